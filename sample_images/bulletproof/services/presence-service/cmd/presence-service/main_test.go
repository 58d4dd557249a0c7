package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func try(listen string, args ...string) (int, string, string) {
	env := func(name string) string { return map[string]string{"LISTEN_ADDR": listen}[name] }
	var stdout, stderr bytes.Buffer
	code := command(args, env, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestVersionAndWrongSettings(t *testing.T) {
	if code, out, _ := try("", "-version"); code != 0 || !strings.HasPrefix(out, "presence-service dev (commit unknown") {
		t.Errorf("%d, %q", code, out)
	}
	for _, args := range [][]string{{"-listen", "8090"}, {"-ttl", "soon"}, {"-ttl", "0s"}, {"-what"}, {"what"}} {
		if code, _, said := try("", args...); code != 2 || said == "" {
			t.Errorf("%v: %d, %q", args, code, said)
		}
	}
}

func TestHealthcheckHonoursTheAddress(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	address := server.Listener.Addr().String()
	if code, _, said := try(address, "-healthcheck"); code != 0 {
		t.Error(said)
	}
	status = http.StatusServiceUnavailable
	if code, _, said := try(address, "-healthcheck"); code != 1 || !strings.Contains(said, "503") {
		t.Errorf("%d, %q", code, said)
	}
	server.Close()
	if code, _, _ := try(address, "-healthcheck"); code != 1 {
		t.Errorf("nobody there: %d", code)
	}
}
