// Command app tells about the machine and the container that it runs in, on port 8000.
package main

import (
	"cmp"
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
)

// The version is the source's own, as the multi-stage image is built without any flags;
// a build may say it, and the commit, by -ldflags "-X main.version=... -X main.commit=...".
var (
	version = "1.0.0"
	commit  = "unknown"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

// run does what the arguments ask for; HOST and PORT say where the service is.
func run(ctx context.Context, args []string, env func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	showVersion := flags.Bool("version", false, "print the version and exit")
	healthcheck := flags.Bool("healthcheck", false, "ask the service at HOST and PORT whether it is healthy and exit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	host, port := cmp.Or(env("HOST"), "0.0.0.0"), cmp.Or(env("PORT"), "8000")
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not an option", flags.Arg(0))
	case *showVersion:
		_, err := fmt.Fprintf(out, "devops-info-service %s (commit %s, %s %s/%s)\n",
			version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	case *healthcheck:
		return askHealth(host, port)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	return serve(ctx, listener, &service{started: time.Now(), now: time.Now, osRelease: osReleaseFiles})
}

func serve(ctx context.Context, listener net.Listener, info *service) error {
	server := &http.Server{Handler: info.routes(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	slog.Info("listening", "address", listener.Addr().String(), "version", version)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		slog.Info("stopping")
	}
	wait, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(wait)
}

func askHealth(host, port string) error {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	client := &http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://" + net.JoinHostPort(host, port) + "/health")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("unhealthy: %s", response.Status)
	}
	return nil
}
