package handlers

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/go-app/internal/services"
)

func router(store services.Store) http.Handler {
	api := API{
		Notes:   &services.Notes{Store: store},
		Version: map[string]string{"version": "1.2.3"},
		Zone:    time.UTC,
		Timeout: time.Second,
	}
	return api.Router()
}

func ask(t *testing.T, h http.Handler, method, path, body string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	var answer map[string]any
	if w.Body.Len() > 0 && w.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return w, answer
}

func TestANotesLife(t *testing.T) {
	h := router(services.NewMemory())
	w, note := ask(t, h, "POST", "/notes", `{"title": "milk", "body": "two litres"}`)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "/notes/1" || note["title"] != "milk" {
		t.Fatalf("created: %d %v %v", w.Code, w.Header(), note)
	}
	w, note = ask(t, h, "GET", "/notes/1", "")
	if w.Code != http.StatusOK || w.Header().Get("X-Cache") != "off" || note["body"] != "two litres" {
		t.Errorf("read: %d %v %v", w.Code, w.Header(), note)
	}
	if w, note = ask(t, h, "PUT", "/notes/1", `{"title": "bread"}`); w.Code != http.StatusOK || note["title"] != "bread" {
		t.Errorf("updated: %d %v", w.Code, note)
	}
	if _, answer := ask(t, h, "GET", "/notes?limit=1", ""); len(answer["notes"].([]any)) != 1 {
		t.Errorf("listed: %v", answer)
	}
	if w, _ = ask(t, h, "DELETE", "/notes/1", ""); w.Code != http.StatusNoContent {
		t.Errorf("deleted: %d", w.Code)
	}
	if w, _ = ask(t, h, "GET", "/notes/1", ""); w.Code != http.StatusNotFound {
		t.Errorf("read again: %d", w.Code)
	}
	if _, answer := ask(t, h, "GET", "/notes", ""); len(answer["notes"].([]any)) != 0 {
		t.Errorf("an empty list is %v", answer)
	}
}

func TestWhatIsRefused(t *testing.T) {
	h := router(services.NewMemory())
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/notes", `{"title": "  "}`, http.StatusUnprocessableEntity},
		{"POST", "/notes", `{"title": "a", "colour": "red"}`, http.StatusBadRequest},
		{"POST", "/notes", `no json`, http.StatusBadRequest},
		{"POST", "/notes", `{"title": "` + strings.Repeat("a", maxRequest) + `"}`, http.StatusRequestEntityTooLarge},
		{"PUT", "/notes/7", `{"title": "a"}`, http.StatusNotFound},
		{"DELETE", "/notes/7", "", http.StatusNotFound},
		{"GET", "/notes/seven", "", http.StatusNotFound},
		{"GET", "/notes/99999999999999999999", "", http.StatusNotFound},
		{"GET", "/notes?limit=0", "", http.StatusBadRequest},
		{"GET", "/time?zone=Mars/Olympus", "", http.StatusBadRequest},
		{"PATCH", "/notes/1", "", http.StatusMethodNotAllowed},
	} {
		if w, _ := ask(t, h, c.method, c.path, c.body); w.Code != c.status {
			t.Errorf("%s %s: %d, not %d", c.method, c.path, w.Code, c.status)
		}
	}
}

func TestHealthOfAServiceWithoutItsDatabase(t *testing.T) {
	away, err := services.OpenPostgres("pgx", "postgres://user:secret@127.0.0.1:1/notes")
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	h := router(away)
	if w, answer := ask(t, h, "GET", "/health", ""); w.Code != http.StatusOK || answer["status"] != "degraded" {
		t.Errorf("health: %d %v", w.Code, answer)
	}
	if w, _ := ask(t, h, "GET", "/ready", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", w.Code)
	}
	w, _ := ask(t, h, "GET", "/notes/1", "")
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "127.0.0.1") {
		t.Errorf("read: %d %s", w.Code, w.Body)
	}
}

func TestAboutItself(t *testing.T) {
	h := router(services.NewMemory())
	if w, answer := ask(t, h, "GET", "/health", ""); w.Code != http.StatusOK || answer["status"] != "ok" {
		t.Errorf("health: %d %v", w.Code, answer)
	}
	if w, _ := ask(t, h, "GET", "/ready", ""); w.Code != http.StatusOK {
		t.Errorf("ready: %d", w.Code)
	}
	if _, answer := ask(t, h, "GET", "/version", ""); answer["version"] != "1.2.3" {
		t.Errorf("version: %v", answer)
	}
	if _, answer := ask(t, h, "GET", "/time?zone=Asia/Kathmandu", ""); !strings.HasSuffix(answer["time"].(string), "+05:45") {
		t.Errorf("time: %v", answer)
	}
	if _, answer := ask(t, h, "GET", "/", ""); answer["service"] != "go-app" {
		t.Errorf("index: %v", answer)
	}
}
