// Package presence tells presence-service who is here.
package presence

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Reporter sends reports one after another; a presence-service that is slow or away never holds up a connection.
type Reporter struct {
	base   string
	client *http.Client
	queue  chan report
}

type report struct {
	User   string `json:"-"`
	Status string `json:"status"`
	Room   string `json:"room"`
}

// NewReporter returns a reporter to the service at base, such as http://presence:8090; an empty base reports nothing.
func NewReporter(base string) *Reporter {
	return &Reporter{base: base, client: &http.Client{Timeout: 3 * time.Second}, queue: make(chan report, 256)}
}

// Report queues a report. When the queue is full the report is lost: the user's next one replaces it anyway.
func (r *Reporter) Report(user, room, status string) {
	if r.base == "" {
		return
	}
	select {
	case r.queue <- report{User: user, Status: status, Room: room}:
	default:
		slog.Warn("presence report lost", "user", user)
	}
}

// Run sends reports until ctx ends.
func (r *Reporter) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-r.queue:
			if err := r.send(ctx, next); err != nil {
				slog.Warn("presence-service", "error", err)
			}
		}
	}
}

func (r *Reporter) send(ctx context.Context, next report) error {
	body, err := json.Marshal(next)
	if err != nil {
		return err
	}
	target := r.base + "/presence/" + url.PathEscape(next.User)
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: %s", target, answer.Status)
	}
	return nil
}
