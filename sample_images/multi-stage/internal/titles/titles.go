// Package titles fetches web pages over HTTPS and reads their titles.
package titles

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxPage      = 1 << 20 // bytes of a page that are read in search of its title
	maxRedirects = 5
	timeout      = 10 * time.Second
)

// ErrURL is an address that is not asked at all.
var ErrURL = errors.New("not an https address")

// ErrNoTitle is a page that has none, or not within its first MiB.
var ErrNoTitle = errors.New("the page has no title")

// Options of a Fetcher. AllowPrivate: also hosts of this network, which strangers must not reach through it.
type Options struct {
	AllowPrivate bool
	Agent        string
}

// Fetcher gets titles.
type Fetcher struct {
	client *http.Client
	agent  string
}

// New makes a Fetcher that speaks HTTPS only, also behind redirects.
func New(options Options) *Fetcher {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !options.AllowPrivate {
		dialer.Control = publicOnly
	}
	return &Fetcher{agent: options.Agent, client: &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 10},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return check(request.URL)
		},
	}}
}

// Authorities tells whether this system holds certificates of any authority to verify sites with.
func Authorities() bool {
	pool, err := x509.SystemCertPool()
	return err == nil && !pool.Equal(x509.NewCertPool())
}

// Title of the page at an https address.
func (f *Fetcher) Title(ctx context.Context, address string) (string, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrURL, address)
	}
	if err := check(parsed); err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, parsed.String(), nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("User-Agent", f.agent)
	response, err := f.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", parsed.Host, response.Status)
	}
	return read(io.LimitReader(response.Body, maxPage))
}

func check(address *url.URL) error {
	if address.Scheme != "https" || address.Host == "" {
		return fmt.Errorf("%w: %q", ErrURL, address.Redacted())
	}
	return nil
}

// read the text of the first title element, its white space folded.
func read(page io.Reader) (string, error) {
	tokens := html.NewTokenizer(page)
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				return "", err
			}
			return "", ErrNoTitle
		case html.StartTagToken:
			if name, _ := tokens.TagName(); atom.Lookup(name) != atom.Title || tokens.Next() != html.TextToken {
				continue
			}
			if title := strings.Join(strings.Fields(string(tokens.Text())), " "); title != "" {
				return title, nil
			}
		}
	}
}

// publicOnly refuses a connection by the address it really goes to, whatever the name was.
func publicOnly(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return fmt.Errorf("%s is not a public address", host)
	}
	return nil
}
