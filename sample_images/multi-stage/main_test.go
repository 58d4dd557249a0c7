package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestFlagsCountMoreThanTheEnvironment(t *testing.T) {
	env := environment(map[string]string{"LINKTITLE_LISTEN": ":9000", "LINKTITLE_ALLOW_PRIVATE": "true"})
	opts, err := parse(nil, env)
	if err != nil || opts.listen != ":9000" || !opts.allowPrivate {
		t.Errorf("from the environment: %+v, %v", opts, err)
	}
	opts, err = parse([]string{"--listen=:9001", "--allow-private=false"}, env)
	if err != nil || opts.listen != ":9001" || opts.allowPrivate {
		t.Errorf("from flags: %+v, %v", opts, err)
	}
	if _, err = parse(nil, environment(map[string]string{"LINKTITLE_ALLOW_PRIVATE": "perhaps"})); err == nil {
		t.Error("LINKTITLE_ALLOW_PRIVATE=perhaps passes")
	}
	if _, err = parse([]string{"serve"}, environment(nil)); err == nil {
		t.Error("an argument that is no option passes")
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"--version"}, environment(nil), &out); err != nil || !strings.HasPrefix(out.String(), "linktitle dev ") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestServesUntilToldToStop(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, options{}) }()
	if err := checkHealth(address); err != nil {
		t.Errorf("healthy, but: %v", err)
	}
	_, port, _ := net.SplitHostPort(address)
	for _, everywhere := range []string{":" + port, "0.0.0.0:" + port} {
		if err := checkHealth(everywhere); err != nil {
			t.Errorf("%s: %v", everywhere, err)
		}
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
	if err := checkHealth(address); err == nil {
		t.Error("nobody listens any more, but the health check passes")
	}
}
