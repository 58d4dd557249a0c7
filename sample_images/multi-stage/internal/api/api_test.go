package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/linktitle/internal/titles"
)

type fake map[string]string

func (f fake) Title(_ context.Context, address string) (string, error) {
	if address == "" {
		return "", titles.ErrURL
	}
	if title, ok := f[address]; ok {
		return title, nil
	}
	return "", errors.New("nobody answers")
}

func get(t *testing.T, path string) (int, map[string]any) {
	t.Helper()
	handler := New(fake{"https://go.dev/": "Go"}, func() bool { return false }, map[string]string{"version": "1.2.3"})
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	body := map[string]any{}
	if strings.HasPrefix(recorder.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return recorder.Code, body
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		path   string
		status int
		key    string
		want   any
	}{
		{"/health", 200, "status", "ok"},
		{"/health", 200, "certificate_authorities", false},
		{"/version", 200, "version", "1.2.3"},
		{"/title?url=https://go.dev/", 200, "title", "Go"},
		{"/title", 400, "error", titles.ErrURL.Error()},
		{"/title?url=https://go.dev/&zone=No/Where", 400, "error", "unknown time zone No/Where"},
		{"/title?url=https://silent.example/", 502, "error", "nobody answers"},
	} {
		status, body := get(t, test.path)
		if status != test.status || body[test.key] != test.want {
			t.Errorf("%s: %d %v; want %d and %s = %v", test.path, status, body, test.status, test.key, test.want)
		}
	}
	if status, _ := get(t, "/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing: %d", status)
	}
}
