// Command emergency-service takes reports of emergencies, follows them until they are resolved, and hands each one
// to a dispatch centre.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/go-services/emergency-service/internal/handlers"
	"example.com/go-services/emergency-service/internal/repository"
	"example.com/go-services/emergency-service/internal/service"
)

// Set by the build: -ldflags "-X main.Version=... -X main.BuildDate=... -X main.GitCommit=...".
var (
	Version   = "dev"
	BuildDate = "unknown"
	GitCommit = "unknown"
)

const (
	dispatchTimeout = 3 * time.Second
	drain           = 20 * time.Second // Kubernetes kills after 30 s
)

func main() {
	address := flag.String("address", fromEnv("ADDRESS", ":8080"), "where to listen")
	version := flag.Bool("version", false, "print version, build date and commit, and exit")
	healthcheck := flag.Bool("healthcheck", false, "ask the service that listens on the address: exit 0 if it is healthy")
	flag.Parse()

	var err error
	switch {
	case *version:
		fmt.Printf("Version: %s\nBuild: %s\nCommit: %s\n", Version, BuildDate, GitCommit)
	case *healthcheck:
		err = ask(*address)
	default:
		err = serve(*address)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "emergency-service:", err)
		os.Exit(1)
	}
}

func serve(address string) error {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()

	var dispatcher service.Dispatcher
	if url := os.Getenv("DISPATCH_URL"); url != "" {
		dispatcher = service.NewWebhook(url, dispatchTimeout)
	}
	emergencies := service.New(repository.NewMemory(), dispatcher, time.Now)
	about := handlers.About{
		Version: Version, BuildDate: BuildDate, GitCommit: GitCommit, Environment: fromEnv("ENV", "development"),
	}
	server := &http.Server{Handler: handlers.New(emergencies, about), ReadHeaderTimeout: 5 * time.Second}

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	slog.Info("listening", "address", listener.Addr().String(), "version", Version, "dispatch", dispatcher != nil)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	cancel() // a second signal ends at once
	slog.Info("stopping")
	ctx, done := context.WithTimeout(context.Background(), drain)
	defer done()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("requests still under way after %s: %w", drain, err)
	}
	return nil
}

// ask is the health check of images without curl. It asks this machine, whatever the service listens on.
func ask(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + net.JoinHostPort(host, port) + "/health")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("unhealthy: " + answer.Status)
	}
	return nil
}

func fromEnv(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
