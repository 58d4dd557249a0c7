// presence-service knows who is online. It is built from the standard library alone: no module, no go.sum.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"example.com/bulletproof/presence-service/internal/api"
	"example.com/bulletproof/presence-service/internal/store"
)

// Set by the linker: -X main.version=...
var version, commit, buildDate = "dev", "unknown", "unknown"

func main() { os.Exit(command(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)) }

// command returns the exit code: 0, 1 for what failed, 2 for wrong arguments or settings.
func command(args []string, env func(string) string, stdout, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	flags := flag.NewFlagSet("presence-service", flag.ContinueOnError)
	flags.SetOutput(stderr)
	showVersion := flags.Bool("version", false, "print version, commit and build date")
	askHealth := flags.Bool("healthcheck", false, "ask the service at -listen; exit 0 or 1")
	listen := flags.String("listen", or(env("LISTEN_ADDR"), ":8090"), "address to listen on; default from LISTEN_ADDR")
	ttl := flags.String("ttl", or(env("PRESENCE_TTL"), "1m"), "how long a heartbeat counts; default from PRESENCE_TTL")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		log.Error("no arguments are taken, only flags", "got", flags.Args())
		return 2
	}
	if *showVersion {
		fmt.Fprintf(stdout, "presence-service %s (commit %s, built %s, %s)\n", version, commit, buildDate, runtime.Version())
		return 0
	}
	host, port, err := net.SplitHostPort(*listen)
	if err != nil {
		log.Error("-listen", "error", err)
		return 2
	}
	if *askHealth {
		err = healthy(host, port)
	} else {
		fresh, wrong := time.ParseDuration(*ttl)
		if wrong != nil || fresh <= 0 {
			log.Error("-ttl: a time above zero, such as 90s", "got", *ttl)
			return 2
		}
		err = serve(log, *listen, fresh)
	}
	if err != nil {
		log.Error("presence-service", "error", err)
		return 1
	}
	return 0
}

// serve answers until SIGTERM or SIGINT, and forgets old users now and then.
func serve(log *slog.Logger, listen string, ttl time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	users := store.New(ttl, time.Now)
	build := map[string]string{
		"service": "presence-service", "version": version, "commit": commit, "built": buildDate, "go": runtime.Version(),
	}
	server := &http.Server{Addr: listen, Handler: api.New(users, build), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.ListenAndServe() }()
	log.Info("presence-service", "listen", listen, "ttl", ttl, "version", version)
	sweep := time.NewTicker(ttl)
	defer sweep.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-sweep.C:
			if gone := users.Forget(); gone > 0 {
				log.Info("forgot users", "count", gone)
			}
		case <-ctx.Done():
			timed, cancel := context.WithTimeout(context.Background(), 8*time.Second)
			defer cancel()
			return server.Shutdown(timed)
		}
	}
}

// healthy asks the service that listens on host and port; no host is this one.
func healthy(host, port string) error {
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/health", nil)
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(ask)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("unhealthy: %s", got.Status)
	}
	return nil
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}
