package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Where a distribution says its name; an image on scratch has neither.
var osReleaseFiles = []string{"/etc/os-release", "/usr/lib/os-release"}

const unknown = "unknown"

type service struct {
	started   time.Time
	now       func() time.Time
	osRelease []string
}

type about struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Description string `json:"description"`
	Framework   string `json:"framework"`
}

type system struct {
	Hostname        string `json:"hostname"`
	Platform        string `json:"platform"`
	PlatformVersion string `json:"platform_version"`
	Architecture    string `json:"architecture"`
	CPUCount        int    `json:"cpu_count"`
}

type uptime struct {
	Seconds int64  `json:"uptime_seconds"`
	Human   string `json:"uptime_human"`
	Now     string `json:"current_time"`
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]any{
			"service": about{"devops-info-service", version, "What this container runs on", "Go net/http"},
			"system":  s.system(),
			"runtime": s.uptime(),
		})
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		up := s.uptime()
		respond(w, http.StatusOK, map[string]any{"status": "healthy", "timestamp": up.Now, "uptime_seconds": up.Seconds})
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]string{"version": version, "commit": commit, "go": runtime.Version()})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		respond(w, http.StatusNotFound, map[string]string{"error": "there is no " + r.URL.Path})
	})
	return mux
}

func (s *service) system() system {
	hostname, err := os.Hostname()
	if err != nil {
		hostname = unknown
	}
	return system{hostname, runtime.GOOS, platformVersion(s.osRelease), runtime.GOARCH, runtime.NumCPU()}
}

func (s *service) uptime() uptime {
	now := s.now()
	up := now.Sub(s.started)
	human := fmt.Sprintf("%d hours, %d minutes", int(up.Hours()), int(up.Minutes())%60)
	return uptime{int64(up.Seconds()), human, now.UTC().Format(time.RFC3339)}
}

// platformVersion is PRETTY_NAME of the first file that is there and has one.
func platformVersion(files []string) string {
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			value, found := strings.CutPrefix(lines.Text(), "PRETTY_NAME=")
			if !found {
				continue
			}
			if plain, err := strconv.Unquote(value); err == nil {
				value = plain
			}
			return strings.Trim(value, "'")
		}
	}
	return unknown
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Warn("answer not written", "error", err)
	}
}
