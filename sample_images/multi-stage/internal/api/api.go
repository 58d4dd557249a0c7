// Package api is the service's HTTP interface.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"example.com/linktitle/internal/titles"
)

// Titles is what the service needs of a fetcher.
type Titles interface {
	Title(ctx context.Context, address string) (string, error)
}

// New routes requests. authorities tells whether sites can be verified; build is what /version answers.
func New(source Titles, authorities func() bool, build map[string]string) http.Handler {
	router := chi.NewRouter()
	router.Use(middleware.Recoverer)
	router.Get("/health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"status": "ok", "certificate_authorities": authorities()})
	})
	router.Get("/version", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, build) })
	router.Get("/title", func(w http.ResponseWriter, r *http.Request) { title(w, r, source, authorities) })
	return router
}

// title answers with a page's title, and the time in the zone asked for (default: UTC).
func title(w http.ResponseWriter, r *http.Request, source Titles, authorities func() bool) {
	zone, err := time.LoadLocation(r.URL.Query().Get("zone"))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	address := r.URL.Query().Get("url")
	text, err := source.Title(r.Context(), address)
	switch {
	case err == nil:
		answer(w, http.StatusOK, map[string]any{
			"url": address, "title": text, "fetched_at": time.Now().In(zone).Format(time.RFC3339),
		})
	case errors.Is(err, titles.ErrURL):
		answer(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
	default:
		answer(w, http.StatusBadGateway, map[string]any{
			"error": err.Error(), "certificate_authorities": authorities(),
		})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Warn("answer not written", "error", err)
	}
}
