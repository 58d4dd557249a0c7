// Package models holds what the API speaks of.
package models

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxTitle is in characters, MaxBody in bytes.
const (
	MaxTitle = 200
	MaxBody  = 32 << 10
)

// Draft is what a client sends: a note without what the store adds.
type Draft struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// Note is a stored draft; times are UTC.
type Note struct {
	ID int64 `json:"id"`
	Draft
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Validate says what a client must change.
func (d Draft) Validate() error {
	switch {
	case strings.TrimSpace(d.Title) == "":
		return errors.New("title is missing")
	case utf8.RuneCountInString(d.Title) > MaxTitle:
		return errors.New("title is longer than 200 characters")
	case len(d.Body) > MaxBody:
		return errors.New("body is longer than 32 KiB")
	case strings.ContainsRune(d.Title+d.Body, 0): // PostgreSQL's text can't hold it
		return errors.New("a note can't hold the character U+0000")
	}
	return nil
}
