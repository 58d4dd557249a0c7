package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func ask(t *testing.T, info *service, method, path string, into any) int {
	t.Helper()
	recorder := httptest.NewRecorder()
	info.routes().ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	if into != nil {
		if err := json.Unmarshal(recorder.Body.Bytes(), into); err != nil {
			t.Fatalf("%s: %v in %q", path, err, recorder.Body)
		}
	}
	return recorder.Code
}

func aged(age time.Duration, files ...string) *service {
	start := time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)
	return &service{started: start, now: func() time.Time { return start.Add(age) }, osRelease: files}
}

func TestRootTellsOfServiceSystemAndRuntime(t *testing.T) {
	release := filepath.Join(t.TempDir(), "os-release")
	if err := os.WriteFile(release, []byte("ID=tiny\nPRETTY_NAME=\"Tiny \\\"Linux\\\" 7\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Service about
		System  system
		Runtime uptime
	}
	if code := ask(t, aged(25*time.Hour+61*time.Second, "/no/such/file", release), http.MethodGet, "/", &got); code != 200 {
		t.Fatalf("status %d", code)
	}
	host, _ := os.Hostname()
	if want := (system{host, "linux", `Tiny "Linux" 7`, runtime.GOARCH, runtime.NumCPU()}); got.System != want {
		t.Errorf("system %+v, want %+v", got.System, want)
	}
	if want := (uptime{90061, "25 hours, 1 minutes", "2026-02-02T00:01:01Z"}); got.Runtime != want {
		t.Errorf("runtime %+v, want %+v", got.Runtime, want)
	}
	if got.Service.Version != version || got.Service.Framework != "Go net/http" {
		t.Errorf("service %+v", got.Service)
	}
}

func TestPlatformVersion(t *testing.T) {
	for content, want := range map[string]string{
		"PRETTY_NAME='Quoted once'\n": "Quoted once", "PRETTY_NAME=Bare\nNAME=x\n": "Bare", "NAME=x\n": unknown, "": unknown,
	} {
		path := filepath.Join(t.TempDir(), "os-release")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := platformVersion([]string{path}); got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
	if got := platformVersion([]string{"/no/such/file"}); got != unknown {
		t.Errorf("no file: %q", got)
	}
}

func TestHealthVersionAndTheRest(t *testing.T) {
	var health map[string]any
	if code := ask(t, aged(90*time.Second), http.MethodGet, "/health", &health); code != 200 ||
		health["status"] != "healthy" || health["uptime_seconds"] != 90.0 || health["timestamp"] != "2026-01-31T23:01:30Z" {
		t.Errorf("/health: %d %v", code, health)
	}
	var told map[string]string
	if code := ask(t, aged(0), http.MethodGet, "/version", &told); code != 200 || told["version"] != version {
		t.Errorf("/version: %d %v", code, told)
	}
	for path, want := range map[string]int{"/nothing": 404, "/health/": 404} {
		if code := ask(t, aged(0), http.MethodGet, path, nil); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

func TestServesUntilToldToStop(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	env := environment(map[string]string{"PORT": port}) // HOST stays 0.0.0.0
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, aged(0)) }()
	check := func() error { return run(context.Background(), []string{"--healthcheck"}, env, os.Stdout) }
	if err := check(); err != nil {
		t.Errorf("healthy, but: %v", err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("does not stop")
	}
	if check() == nil {
		t.Error("nobody listens any more, but the health check passes")
	}
}

func TestArguments(t *testing.T) {
	var out bytes.Buffer
	none := environment(nil)
	if err := run(context.Background(), []string{"--version"}, none, &out); err != nil ||
		!strings.HasPrefix(out.String(), "devops-info-service "+version) {
		t.Errorf("%q, %v", out.String(), err)
	}
	for _, args := range [][]string{{"serve"}, {"--nothing"}} {
		if err := run(context.Background(), args, none, &out); err == nil {
			t.Errorf("%v passes", args)
		}
	}
	if err := run(context.Background(), nil, environment(map[string]string{"PORT": "none"}), &out); err == nil {
		t.Error("PORT=none passes")
	}
}
