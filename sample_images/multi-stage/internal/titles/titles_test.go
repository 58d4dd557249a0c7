package titles

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestReadFindsTheTitle(t *testing.T) {
	for name, test := range map[string]struct{ page, want string }{
		"plain":          {"<html><head><title>Tea &amp; milk</title></head></html>", "Tea & milk"},
		"folded":         {"<TITLE>\n  two\n  lines </TITLE>", "two lines"},
		"not in comment": {"<!-- <title>no</title> --><title>yes</title>", "yes"},
		"empty first":    {"<title></title><svg><title>shape</title></svg>", "shape"},
	} {
		if got, err := read(strings.NewReader(test.page)); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
	if _, err := read(strings.NewReader("<p>nothing</p>")); !errors.Is(err, ErrNoTitle) {
		t.Errorf("a page without title: %v", err)
	}
}

// site is a TLS server that the fetcher trusts.
func site(t *testing.T, handler http.HandlerFunc) (*Fetcher, string) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	fetcher := New(Options{AllowPrivate: true, Agent: "test"})
	fetcher.client.Transport = server.Client().Transport
	return fetcher, server.URL
}

func TestTitleOverTLS(t *testing.T) {
	fetcher, address := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			_, _ = w.Write([]byte("<title>" + r.UserAgent() + "</title>"))
		case "/moved":
			http.Redirect(w, r, "/page", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/long":
			_, _ = w.Write([]byte(strings.Repeat(" ", maxPage) + "<title>too late</title>"))
		default:
			http.NotFound(w, r)
		}
	})
	for _, path := range []string{"/page", "/moved"} {
		if got, err := fetcher.Title(context.Background(), address+path); err != nil || got != "test" {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"/plain": ErrURL.Error(), "/loop": "redirects", "/long": ErrNoTitle.Error(), "/none": "404",
	} {
		if got, err := fetcher.Title(context.Background(), address+path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error about %q", path, got, err, want)
		}
	}
}

func TestAddressesThatAreNotAsked(t *testing.T) {
	fetcher := New(Options{})
	for _, address := range []string{"", "go.dev", "http://go.dev/", "file:///etc/passwd", "https://", "https://%zz/"} {
		if _, err := fetcher.Title(context.Background(), address); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{"https://127.0.0.1:9/", "https://[::1]:9/", "https://10.0.0.1/", "https://169.254.169.254/"} {
		if _, err := fetcher.Title(context.Background(), address); err == nil || !strings.Contains(err.Error(), "not a public address") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAnUnknownAuthorityIsRefused(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	fetcher := New(Options{AllowPrivate: true})
	if _, err := fetcher.Title(context.Background(), server.URL); err == nil || !strings.Contains(err.Error(), "x509") {
		t.Errorf("want an x509 error, got %v", err)
	}
}
