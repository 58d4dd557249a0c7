package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheHealthcheckAsksWhereTheServiceListens(t *testing.T) {
	status, path := http.StatusOK, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		w.WriteHeader(status)
	}))
	address := strings.TrimPrefix(server.URL, "http://127.0.0.1")
	for _, each := range []string{address, "0.0.0.0" + address, "127.0.0.1" + address} {
		if err := ask(each); err != nil || path != "/health" {
			t.Errorf("%s: %v, asked for %s", each, err, path)
		}
	}
	status = http.StatusServiceUnavailable
	if err := ask(address); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("unhealthy: %v", err)
	}
	server.Close()
	if err := ask(address); err == nil {
		t.Error("healthy though nothing listens")
	}
}
