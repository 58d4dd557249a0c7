package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"example.com/bulletproof/websocket-gateway/internal/gateway"
	"example.com/bulletproof/websocket-gateway/internal/hub"
	"example.com/bulletproof/websocket-gateway/internal/presence"
)

func handler() http.Handler {
	return routes(&gateway.Gateway{Hub: hub.New(), Presence: presence.NewReporter("")})
}

func TestHealthAndVersion(t *testing.T) {
	for path, want := range map[string]map[string]any{
		"/health":  {"status": "ok", "rooms": 0.0, "members": 0.0},
		"/version": {"service": service, "version": "dev", "commit": "unknown"},
	} {
		got := httptest.NewRecorder()
		handler().ServeHTTP(got, httptest.NewRequest(http.MethodGet, path, nil))
		var body map[string]any
		if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || got.Code != http.StatusOK {
			t.Fatalf("%s: %d, %v", path, got.Code, err)
		}
		for key, value := range want {
			if body[key] != value {
				t.Errorf("%s: %s is %v, not %v", path, key, body[key], value)
			}
		}
	}
}

func TestCheckHealthAsksTheAddressItIsGiven(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	address := strings.TrimPrefix(server.URL, "http://")
	if err := checkHealth(address); err != nil {
		t.Error(err)
	}
	status = http.StatusInternalServerError
	if checkHealth(address) == nil {
		t.Error("healthy, with 500")
	}
	server.Close()
	if checkHealth(address) == nil {
		t.Error("healthy, with nobody there")
	}
	if checkHealth("8080") == nil {
		t.Error("an address without a colon is none")
	}
}

func TestOrigins(t *testing.T) {
	if got := origins("https://a.example, *.b.example"); !slices.Equal(got, []string{"https://a.example", "*.b.example"}) {
		t.Error(got)
	}
}
