package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"example.com/go-services/emergency-service/internal/models"
)

// Webhook posts emergencies as JSON to an address; over HTTPS it needs the image's CA certificates.
type Webhook struct {
	url    string
	client http.Client
}

func NewWebhook(url string, timeout time.Duration) *Webhook {
	return &Webhook{url: url, client: http.Client{Timeout: timeout}}
}

func (w *Webhook) Dispatch(ctx context.Context, e models.Emergency) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s answers %s", w.url, answer.Status)
	}
	return nil
}
