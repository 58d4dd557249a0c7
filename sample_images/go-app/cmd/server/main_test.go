package main

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listening finds a free port, and gives it back.
func listening(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func TestItServesIsHealthyAndStops(t *testing.T) {
	t.Setenv("HOST", "127.0.0.1")
	t.Setenv("PORT", listening(t))
	// The database is away: health answers all the same.
	t.Setenv("DATABASE_URL", "postgres://user@127.0.0.1:1/notes")
	if err := run(context.Background(), []string{"--healthcheck"}); err == nil {
		t.Fatal("healthy before it runs")
	}
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- run(stop, nil) }()
	deadline := time.Now().Add(10 * time.Second)
	for run(context.Background(), []string{"--healthcheck"}) != nil {
		if time.Now().After(deadline) {
			t.Fatal("not healthy within 10 s")
		}
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("does not stop")
	}
}

func TestWhatCanNotStartSaysWhy(t *testing.T) {
	for name, value := range map[string]string{"PORT": "http", "REDIS_URL": "http://x", "DATABASE_URL": "postgres://a:b:c/"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PORT", listening(t))
			t.Setenv(name, value)
			if err := run(context.Background(), nil); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	t.Setenv("PORT", "http") // is not looked at
	if err := run(context.Background(), []string{"--version"}); err != nil {
		t.Error(err)
	}
	if err := run(context.Background(), []string{"--no-such-flag"}); err == nil {
		t.Error("an unknown flag is accepted")
	}
}
