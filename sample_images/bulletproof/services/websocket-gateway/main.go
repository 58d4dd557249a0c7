// websocket-gateway lets browsers of a room talk to each other, and tells presence-service who is there.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"example.com/bulletproof/websocket-gateway/internal/gateway"
	"example.com/bulletproof/websocket-gateway/internal/hub"
	"example.com/bulletproof/websocket-gateway/internal/presence"
)

// Set by the linker: -X main.version=...
var (
	version   = "dev"
	commit    = "unknown"
	buildDate = "unknown"
)

const (
	service      = "websocket-gateway"
	shutdownTime = 8 * time.Second // below the ten seconds that an engine waits before it kills
)

func main() {
	showVersion := flag.Bool("version", false, "print version, commit and build date")
	healthcheck := flag.Bool("healthcheck", false, "ask the gateway at LISTEN_ADDR whether it is healthy")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s takes no arguments, got %q; see --help\n", service, flag.Args())
		os.Exit(2)
	}
	address := os.Getenv("LISTEN_ADDR")
	if address == "" {
		address = ":8080"
	}
	var err error
	switch {
	case *showVersion:
		fmt.Printf("%s %s (commit %s, built %s, %s)\n", service, version, commit, buildDate, runtime.Version())
	case *healthcheck:
		err = checkHealth(address)
	default:
		err = run(address)
	}
	if err != nil {
		slog.Error(service, "error", err)
		os.Exit(1)
	}
}

// run serves until SIGTERM or SIGINT, then says goodbye to the clients.
func run(address string) error {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	reporter := presence.NewReporter(strings.TrimSuffix(os.Getenv("PRESENCE_URL"), "/"))
	reporting, stopReporting := context.WithCancel(context.Background())
	defer stopReporting()
	go reporter.Run(reporting)
	sockets := &gateway.Gateway{Hub: hub.New(), Presence: reporter, Origins: origins(os.Getenv("ALLOWED_ORIGINS"))}
	server := &http.Server{Handler: routes(sockets), ReadHeaderTimeout: 5 * time.Second}

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	slog.Info("listening", "address", listener.Addr().String(), "version", version, "commit", commit)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	timed, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err = errors.Join(sockets.Close(timed), server.Shutdown(timed))
	slog.Info("stopped")
	return err
}

func routes(sockets *gateway.Gateway) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /ws", sockets)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		rooms, members := sockets.Hub.Count()
		answer(w, map[string]any{"status": "ok", "rooms": rooms, "members": members})
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"service": service, "version": version, "commit": commit, "built": buildDate, "go": runtime.Version(),
		})
	})
	return mux
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		slog.Warn("answer", "error", err)
	}
}

// origins splits a list such as "https://a.example,*.b.example".
func origins(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// checkHealth asks the gateway that listens at address.
func checkHealth(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	client := &http.Client{Timeout: 3 * time.Second}
	got, err := client.Get("http://" + net.JoinHostPort(host, port) + "/health")
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("/health answered %s", got.Status)
	}
	return nil
}
