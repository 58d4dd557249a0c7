// Command linktitle answers with the titles of web pages: GET /title?url=https://go.dev/.
//
// It asks other sites over HTTPS, so its image has to hold the certificates of public authorities.
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
	"strconv"
	"syscall"
	"time"

	"example.com/linktitle/internal/api"
	"example.com/linktitle/internal/titles"
)

// Set by the linker: -X main.version=... and so on.
var (
	version = "dev"
	commit  = "unknown"
	date    = "unknown"
)

// options are what flags say, else LINKTITLE_LISTEN and LINKTITLE_ALLOW_PRIVATE.
type options struct {
	listen       string
	allowPrivate bool
	version      bool
	healthcheck  bool
}

func main() {
	if err := run(os.Args[1:], os.Getenv, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "linktitle:", err)
		os.Exit(1)
	}
}

func run(args []string, env func(string) string, out io.Writer) error {
	opts, err := parse(args, env)
	if err != nil {
		return err
	}
	switch {
	case opts.version:
		_, err = fmt.Fprintf(out, "linktitle %s (commit %s, built %s, %s %s/%s)\n",
			version, commit, date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	case opts.healthcheck:
		return checkHealth(opts.listen)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	listener, err := net.Listen("tcp", opts.listen)
	if err != nil {
		return err
	}
	return serve(ctx, listener, opts)
}

func parse(args []string, env func(string) string) (options, error) {
	var opts options
	allow := false
	if text := env("LINKTITLE_ALLOW_PRIVATE"); text != "" {
		parsed, err := strconv.ParseBool(text)
		if err != nil {
			return opts, fmt.Errorf("LINKTITLE_ALLOW_PRIVATE=%q is neither true nor false", text)
		}
		allow = parsed
	}
	flags := flag.NewFlagSet("linktitle", flag.ContinueOnError)
	flags.StringVar(&opts.listen, "listen", cmp.Or(env("LINKTITLE_LISTEN"), ":8080"), "`address` to listen on")
	flags.BoolVar(&opts.allowPrivate, "allow-private", allow, "also ask hosts with private addresses")
	flags.BoolVar(&opts.version, "version", false, "print the version and exit")
	flags.BoolVar(&opts.healthcheck, "healthcheck", false, "ask the server that listens there for its health and exit")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if flags.NArg() > 0 {
		return opts, fmt.Errorf("%q is not an option", flags.Arg(0))
	}
	return opts, nil
}

// serve answers until ctx ends, then lets running requests finish.
func serve(ctx context.Context, listener net.Listener, opts options) error {
	fetcher := titles.New(titles.Options{AllowPrivate: opts.allowPrivate, Agent: "linktitle/" + version})
	if !titles.Authorities() {
		slog.Warn("no certificate authorities here: no HTTPS site can be verified")
	}
	build := map[string]string{"version": version, "commit": commit, "date": date, "go": runtime.Version()}
	server := &http.Server{
		Handler:           api.New(fetcher, titles.Authorities, build),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      30 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	slog.Info("listening", "address", listener.Addr().String(), "version", version)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping")
	wait, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(wait)
}

func checkHealth(listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if address := net.ParseIP(host); host == "" || address.IsUnspecified() {
		host = "localhost" // listens everywhere
	}
	client := &http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://" + net.JoinHostPort(host, port) + "/health")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/health answers %s", response.Status)
	}
	return nil
}
