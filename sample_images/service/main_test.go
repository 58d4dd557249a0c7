package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHandler(t *testing.T) {
	for path, status := range map[string]int{
		"/health":             http.StatusOK,
		"/version":            http.StatusOK,
		"/time?zone=UTC":      http.StatusOK,
		"/time?zone=Not/Here": http.StatusBadRequest,
		"/nothing":            http.StatusNotFound,
	} {
		recorder := httptest.NewRecorder()
		handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		if recorder.Code != status {
			t.Errorf("%s: status %d, want %d", path, recorder.Code, status)
		}
	}
}

func TestUnknownFlag(t *testing.T) {
	if err := run([]string{"--nothing"}); err == nil {
		t.Error("an unknown flag is not an error")
	}
}
