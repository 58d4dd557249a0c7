// Package models holds what the service talks about.
package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Status of an emergency. It only moves forward: open, acknowledged, resolved.
type Status string

const (
	Open         Status = "open"
	Acknowledged Status = "acknowledged"
	Resolved     Status = "resolved"
)

var kinds = []string{"accident", "crime", "fire", "medical", "other"}

// Location is a point on earth in degrees, WGS 84.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Report is what somebody in need sends.
type Report struct {
	Kind     string    `json:"kind"`
	Message  string    `json:"message"`
	Location *Location `json:"location"`
}

// Emergency is a report and what became of it. Dispatched: the dispatch centre has taken it.
type Emergency struct {
	ID         string    `json:"id"`
	Kind       string    `json:"kind"`
	Message    string    `json:"message"`
	Location   Location  `json:"location"`
	Status     Status    `json:"status"`
	Dispatched bool      `json:"dispatched"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// In returns the emergency with its times in another zone.
func (e Emergency) In(zone *time.Location) Emergency {
	e.CreatedAt, e.UpdatedAt = e.CreatedAt.In(zone), e.UpdatedAt.In(zone)
	return e
}

// Validate says everything that is wrong with a report, or nil.
func (r Report) Validate() error {
	var problems []error
	if !slices.Contains(kinds, r.Kind) {
		problems = append(problems, fmt.Errorf("kind %q is none of: %s", r.Kind, strings.Join(kinds, ", ")))
	}
	if len(r.Message) > 500 {
		problems = append(problems, fmt.Errorf("message has %d bytes, 500 at most", len(r.Message)))
	}
	switch l := r.Location; {
	case l == nil:
		problems = append(problems, errors.New("location is missing"))
	case l.Latitude < -90 || l.Latitude > 90 || l.Longitude < -180 || l.Longitude > 180:
		problems = append(problems, fmt.Errorf("location %g, %g is not on earth", l.Latitude, l.Longitude))
	}
	return errors.Join(problems...)
}
