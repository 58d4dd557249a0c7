// Package handlers answers over HTTP.
package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"example.com/go-app/internal/models"
	"example.com/go-app/internal/services"
)

const (
	maxRequest   = 64 << 10 // bytes
	defaultLimit = 50       // notes of a list
	maxLimit     = 500
)

// API answers requests about notes and about itself.
type API struct {
	Notes   *services.Notes
	Version any // what /version answers
	Zone    *time.Location
	Timeout time.Duration // of each request's work
}

// Router knows all paths.
func (a *API) Router() http.Handler {
	r := mux.NewRouter()
	r.Use(a.limits)
	r.HandleFunc("/", a.index).Methods(http.MethodGet)
	r.HandleFunc("/health", a.health).Methods(http.MethodGet)
	r.HandleFunc("/ready", a.ready).Methods(http.MethodGet)
	r.HandleFunc("/version", a.version).Methods(http.MethodGet)
	r.HandleFunc("/time", a.time).Methods(http.MethodGet)
	r.HandleFunc("/notes", a.list).Methods(http.MethodGet)
	r.HandleFunc("/notes", a.create).Methods(http.MethodPost)
	r.HandleFunc("/notes/{id:[0-9]{1,18}}", a.read).Methods(http.MethodGet)
	r.HandleFunc("/notes/{id:[0-9]{1,18}}", a.update).Methods(http.MethodPut)
	r.HandleFunc("/notes/{id:[0-9]{1,18}}", a.remove).Methods(http.MethodDelete)
	return r
}

func (a *API) limits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), a.Timeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (a *API) index(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"service": "go-app",
		"paths":   []string{"/notes", "/notes/{id}", "/time?zone=", "/health", "/ready", "/version"},
	})
}

// health is of the process: it answers 200 also while a part is away, since a restart would not bring that back.
func (a *API) health(w http.ResponseWriter, r *http.Request) {
	store, cache := a.Notes.Health(r.Context()), a.Notes.CacheHealth(r.Context())
	status := "ok"
	if store.State != services.OK || cache.State == services.Unreachable {
		status = "degraded"
	}
	answer(w, http.StatusOK, map[string]any{"status": status, "store": store, "cache": cache})
}

// ready says whether requests about notes can be served: 503 without the store, while a cache is not needed.
func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	store := a.Notes.Health(r.Context())
	if store.State != services.OK {
		answer(w, http.StatusServiceUnavailable, map[string]any{"ready": false, "store": store})
		return
	}
	answer(w, http.StatusOK, map[string]any{"ready": true})
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, a.Version) }

func (a *API) time(w http.ResponseWriter, r *http.Request) {
	zone := a.Zone
	if name := r.URL.Query().Get("zone"); name != "" {
		var err error
		if zone, err = time.LoadLocation(name); err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	answer(w, http.StatusOK, map[string]string{"zone": zone.String(), "time": time.Now().In(zone).Format(time.RFC3339)})
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	limit := defaultLimit
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			refuse(w, http.StatusBadRequest, "limit is a number from 1 to "+strconv.Itoa(maxLimit))
			return
		}
	}
	notes, err := a.Notes.List(r.Context(), limit)
	reply(w, http.StatusOK, map[string]any{"notes": notes}, err)
}

func (a *API) create(w http.ResponseWriter, r *http.Request) {
	if draft, ok := received(w, r); ok {
		note, err := a.Notes.Create(r.Context(), draft)
		if err == nil {
			w.Header().Set("Location", "/notes/"+strconv.FormatInt(note.ID, 10))
		}
		reply(w, http.StatusCreated, note, err)
	}
}

func (a *API) read(w http.ResponseWriter, r *http.Request) {
	note, looked, err := a.Notes.Read(r.Context(), id(r))
	w.Header().Set("X-Cache", string(looked))
	reply(w, http.StatusOK, note, err)
}

func (a *API) update(w http.ResponseWriter, r *http.Request) {
	if draft, ok := received(w, r); ok {
		note, err := a.Notes.Update(r.Context(), id(r), draft)
		reply(w, http.StatusOK, note, err)
	}
}

func (a *API) remove(w http.ResponseWriter, r *http.Request) {
	if err := a.Notes.Delete(r.Context(), id(r)); err != nil {
		reply(w, 0, nil, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func id(r *http.Request) int64 {
	number, _ := strconv.ParseInt(mux.Vars(r)["id"], 10, 64) // the route lets 18 digits through at most
	return number
}

// received reads a draft, or answers why it can't be taken.
func received(w http.ResponseWriter, r *http.Request) (models.Draft, bool) {
	var draft models.Draft
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&draft)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		refuse(w, http.StatusRequestEntityTooLarge, "the request is longer than 64 KiB")
	case err != nil:
		refuse(w, http.StatusBadRequest, "not a note in JSON: "+err.Error())
	default:
		if err = draft.Validate(); err == nil {
			return draft, true
		}
		refuse(w, http.StatusUnprocessableEntity, err.Error())
	}
	return models.Draft{}, false
}

// reply answers with what a service returned.
func reply(w http.ResponseWriter, status int, body any, err error) {
	switch {
	case err == nil:
		answer(w, status, body)
	case errors.Is(err, services.ErrNotFound):
		refuse(w, http.StatusNotFound, err.Error())
	case errors.Is(err, services.ErrFull):
		refuse(w, http.StatusInsufficientStorage, err.Error())
	default: // the client learns no more: an error of a driver can name hosts and users
		slog.Error("request failed", "error", err)
		refuse(w, http.StatusServiceUnavailable, "the store does not answer")
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"error": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Warn("answer not written", "error", err)
	}
}
