"""A small service that behaves, or misbehaves, as its argument says, in images built from scratch."""

from tests.support.docker import File, Images
from tests.support.gobuild import GoProgram, build

_MAIN = r"""package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	mode, started := os.Args[1], time.Now()
	answer := func() int { return 200 }
	switch mode {
	case "check":
		reply, err := http.Get("http://127.0.0.1:8080/health")
		if err != nil || reply.StatusCode != 200 {
			os.Exit(1)
		}
		return
	case "late":
		time.Sleep(300 * time.Millisecond)
	case "never":
		fmt.Println("thinking")
		time.Sleep(time.Hour)
	case "fail":
		for line := 0; line < 30; line++ {
			fmt.Println("line", line)
		}
		fmt.Println("token is", os.Getenv("API_TOKEN"), "at postgres://app:hunter2secret@db/app")
		os.Exit(1)
	case "needs":
		if os.Getenv("MODE") == "" {
			fmt.Println("MODE is not set")
			os.Exit(3)
		}
	case "eat":
		var eaten [][]byte
		for {
			eaten = append(eaten, make([]byte, 1<<20))
			for at := 0; at < 1<<20; at += 4096 {
				eaten[len(eaten)-1][at] = 1
			}
		}
	case "warming":
		answer = func() int {
			if time.Since(started) < 200*time.Millisecond {
				return 500
			}
			return 200
		}
	case "broken":
		answer = func() int { return 503 }
	case "crash":
		answer = func() int {
			go func() { time.Sleep(50 * time.Millisecond); os.Exit(9) }()
			return 200
		}
	case "jail":
		jail()
		os.Exit(7)
	}
	ends := make(chan os.Signal, 1)
	if mode == "stubborn" {
		signal.Ignore(syscall.SIGTERM)
	} else {
		signal.Notify(ends, syscall.SIGTERM, syscall.SIGUSR1)
	}
	go func() {
		fmt.Println("stopped by", <-ends)
		os.Exit(0)
	}()
	handler := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(answer()) }
	http.ListenAndServe(":8080", http.HandlerFunc(handler))
}

// jail says what it was able to do of what a probed container must not.
func jail() {
	try := func(what string, err error) {
		if err == nil {
			fmt.Println(what, "WORKED")
		} else {
			fmt.Println(what, "failed")
		}
	}
	for _, path := range []string{"/written", "/tmp/written", "/data/written"} {
		try("write "+path, os.WriteFile(path, []byte("x"), 0o600))
	}
	try("fill /tmp", os.WriteFile("/tmp/large", make([]byte, 100<<20), 0o600))
	for _, address := range []string{"1.1.1.1:53", "8.8.8.8:443"} {
		connection, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err == nil {
			connection.Close()
		}
		try("dial "+address, err)
	}
	begun := time.Now()
	_, err := net.LookupHost("example.com")
	try("resolve", err)
	fmt.Println("resolving is quick:", time.Since(begun) < 5*time.Second)
	try("chown", os.Chown("/tmp/written", 12, 34))
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		for _, name := range []string{"CapEff", "CapBnd", "NoNewPrivs"} {
			if strings.HasPrefix(line, name) {
				fmt.Println(strings.Join(strings.Fields(line), " "))
			}
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range strings.Split(string(mounts), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 3 && (fields[1] == "/tmp" || fields[1] == "/data" || fields[1] == "/") {
			fmt.Println("mount", fields[1], fields[2], fields[3])
		}
	}
}
"""
_PROGRAM = GoProgram("specimen", (("go.mod", "module example.com/specimen\n\ngo 1.16\n"), ("main.go", _MAIN)))


class Specimens:
    """Images of it, each built when it is first asked for."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._built: dict[str, str] = {}

    def __call__(self, mode: str, *lines: str, name: str | None = None) -> str:
        """The reference of an image that runs it in that mode; lines: more of its Dockerfile."""
        name = name or mode
        if name not in self._built:
            program = build(_PROGRAM, "-ldflags=-s -w")
            dockerfile = "\n".join(
                ("FROM scratch", "COPY specimen /specimen", *lines, f'ENTRYPOINT ["/specimen", "{mode}"]', "")
            )
            tag = self._images.build(f"probe-{name}", dockerfile, {"specimen": File(program)})
            self._built[name] = f"docker:{tag}"
        return self._built[name]
