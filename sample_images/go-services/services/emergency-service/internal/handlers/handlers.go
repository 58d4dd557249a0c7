// Package handlers is the service over HTTP: JSON in, JSON out.
package handlers

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"example.com/go-services/emergency-service/internal/models"
	"example.com/go-services/emergency-service/internal/repository"
	"example.com/go-services/emergency-service/internal/service"
)

// About is what /version answers.
type About struct {
	Version     string `json:"version"`
	BuildDate   string `json:"build_date"`
	GitCommit   string `json:"git_commit"`
	Environment string `json:"environment"`
}

type api struct {
	emergencies *service.Emergencies
	about       About
}

// New returns the service's routes.
func New(emergencies *service.Emergencies, about About) http.Handler {
	a := &api{emergencies, about}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", a.health)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, a.about) })
	mux.HandleFunc("POST /emergencies", a.report)
	mux.HandleFunc("GET /emergencies", a.list)
	mux.HandleFunc("GET /emergencies/{id}", a.one(emergencies.Get))
	mux.HandleFunc("POST /emergencies/{id}/acknowledge", a.one(emergencies.Acknowledge))
	mux.HandleFunc("POST /emergencies/{id}/resolve", a.one(emergencies.Resolve))
	return mux
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	status := map[string]any{
		"status":    "healthy",
		"timestamp": time.Now().UTC().Format(time.RFC3339),
		"version":   a.about.Version,
		"open":      len(a.emergencies.List(models.Open)),
	}
	answer(w, http.StatusOK, status)
}

func (a *api) report(w http.ResponseWriter, r *http.Request) {
	var report models.Report
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10)).Decode(&report); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	e, err := a.emergencies.Report(r.Context(), report)
	if err != nil {
		refuse(w, code(err), err)
		return
	}
	w.Header().Set("Location", "/emergencies/"+e.ID)
	answer(w, http.StatusCreated, e)
}

func (a *api) list(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, a.emergencies.List(models.Status(r.URL.Query().Get("status"))))
}

// one answers with an emergency; ?zone=Europe/Berlin gives its times in that zone, which needs the image's zone files.
func (a *api) one(act func(id string) (models.Emergency, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		zone, err := time.LoadLocation(r.URL.Query().Get("zone"))
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		e, err := act(r.PathValue("id"))
		if err != nil {
			refuse(w, code(err), err)
			return
		}
		answer(w, http.StatusOK, e.In(zone))
	}
}

func code(err error) int {
	switch {
	case errors.Is(err, service.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, repository.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, service.ErrState):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

func refuse(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		slog.Warn("answer not sent", "error", err)
	}
}
