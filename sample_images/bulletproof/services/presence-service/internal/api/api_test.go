package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/bulletproof/presence-service/internal/store"
)

func TestTheAPI(t *testing.T) {
	noon := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	handler := New(store.New(time.Minute, func() time.Time { return noon }), map[string]string{"version": "1.2.3"})
	for _, step := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "/health", "", 200, `"present":0`},
		{"GET", "/presence/ann", "", 404, "nobody"},
		{"PUT", "/presence/ann", `{"status":"online","room":"tea"}`, 200, `"room":"tea"`},
		{"PUT", "/presence/ann", `{"status":"asleep"}`, 422, "one of"},
		{"PUT", "/presence/ann", `{"mood":"good"}`, 400, "mood"},
		{"PUT", "/presence/ann", `{"status":"` + strings.Repeat("a", maxBody) + `"}`, 400, "too large"},
		{"GET", "/presence/ann", "", 200, `"seen":"2024-07-01T12:00:00Z"`},
		{"GET", "/presence/ann?tz=Europe/Berlin", "", 200, `"seen":"2024-07-01T14:00:00+02:00"`},
		{"GET", "/presence/ann?tz=Middle/Earth", "", 400, "Middle/Earth"},
		{"GET", "/presence?room=tea", "", 200, `"user":"ann"`},
		{"GET", "/presence?room=coffee", "", 200, `[]`},
		{"DELETE", "/presence/ann", "", 405, ""},
		{"GET", "/version", "", 200, `"version":"1.2.3"`},
	} {
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, httptest.NewRequest(step.method, step.path, strings.NewReader(step.body)))
		if got.Code != step.status || !strings.Contains(got.Body.String(), step.contains) {
			t.Errorf("%s %s: %d %s", step.method, step.path, got.Code, got.Body)
		}
		if got.Code != http.StatusMethodNotAllowed && got.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: no JSON", step.method, step.path)
		}
	}
}
