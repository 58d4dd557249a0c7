// Command server is the notes service: HTTP on PORT, notes in PostgreSQL or in memory, a cache in Redis or none.
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
	"runtime"
	"syscall"
	"time"

	"example.com/go-app/internal/config"
	"example.com/go-app/internal/handlers"
	"example.com/go-app/internal/services"
)

// Set by -ldflags "-X main.version=...".
var (
	version = "dev"
	commit  = "unknown"
	created = "unknown"
)

func main() {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(stop, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run is the program; it returns when stop is done or something fails.
func run(stop context.Context, arguments []string) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	showVersion := flags.Bool("version", false, "print the version and exit")
	healthcheck := flags.Bool("healthcheck", false, "ask the server on HOST and PORT whether it is healthy")
	switch err := flags.Parse(arguments); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	}
	if *showVersion {
		fmt.Printf("go-app %s %s %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	}
	settings, err := config.Load()
	if err != nil {
		return err
	}
	if *healthcheck {
		return ask(stop, settings.HealthURL())
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: settings.LogLevel})))
	listener, err := net.Listen("tcp", settings.Address())
	if err != nil {
		return err
	}
	return serve(stop, settings, listener)
}

func serve(stop context.Context, settings config.Config, listener net.Listener) error {
	notes, err := open(stop, settings)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer notes.Close() //nolint:errcheck // the process ends
	zone, err := settings.Zone()
	if err != nil {
		slog.Warn("times are in UTC", "error", err)
	}
	api := handlers.API{
		Notes:   notes,
		Version: map[string]string{"version": version, "commit": commit, "created": created, "go": runtime.Version()},
		Zone:    zone,
		Timeout: settings.RequestTimeout,
	}
	server := &http.Server{
		Handler:           api.Router(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      settings.RequestTimeout + 10*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	slog.Info("listening", "address", listener.Addr().String(), "version", version)
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	slog.Info("stopping")
	wait, cancel := context.WithTimeout(context.Background(), settings.ShutdownTimeout)
	defer cancel()
	return server.Shutdown(wait)
}

// open makes the parts that the settings ask for. A database is connected to in the background, so that /health
// answers meanwhile.
func open(stop context.Context, settings config.Config) (*services.Notes, error) {
	notes := &services.Notes{Store: services.NewMemory()}
	if settings.DatabaseURL != "" {
		database, err := services.OpenPostgres(settings.DatabaseDriver, settings.DatabaseURL)
		if err != nil {
			return nil, err
		}
		notes.Store = database
		go func() {
			if err := database.Connect(stop, settings.ConnectAttempts, settings.ConnectWait); err != nil && stop.Err() == nil {
				slog.Error("starting without the database: each request tries again", "error", err)
			}
		}()
	}
	if settings.RedisURL != "" {
		cache, err := services.OpenRedis(settings.RedisURL, settings.CacheTTL)
		if err != nil {
			return nil, errors.Join(err, notes.Close())
		}
		notes.Cache = cache
	}
	return notes, nil
}

func ask(stop context.Context, url string) error {
	ctx, cancel := context.WithTimeout(stop, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("unhealthy: %s", response.Status)
	}
	return nil
}
