// Package api is the HTTP side of presence-service.
package api

import (
	"encoding/json"
	"net/http"
	"time"

	"example.com/bulletproof/presence-service/internal/store"
)

const maxBody = 1 << 10 // bytes

// view is a record as JSON, with its time in the zone that was asked for.
type view struct {
	User   string    `json:"user"`
	Status string    `json:"status"`
	Room   string    `json:"room,omitempty"`
	Seen   time.Time `json:"seen"`
}

type api struct {
	users *store.Store
	build map[string]string
}

// New returns the routes: PUT and GET /presence/{user}, GET /presence?room=, GET /health, GET /version.
// Where times are answered, ?tz=Europe/Berlin gives them in that zone; without it they are in UTC.
func New(users *store.Store, build map[string]string) http.Handler {
	a := &api{users: users, build: build}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /presence/{user}", a.put)
	mux.HandleFunc("GET /presence/{user}", a.get)
	mux.HandleFunc("GET /presence", a.list)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{"status": "ok", "present": len(a.users.Present(""))})
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, a.build) })
	return mux
}

func (a *api) put(w http.ResponseWriter, r *http.Request) {
	var told struct{ Status, Room string }
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&told); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	switch told.Status {
	case "online", "away", "offline":
		write(w, http.StatusOK, seen(a.users.Put(r.PathValue("user"), told.Status, told.Room), time.UTC))
	default:
		refuse(w, http.StatusUnprocessableEntity, "status is one of online, away, offline")
	}
}

func (a *api) get(w http.ResponseWriter, r *http.Request) {
	zone, err := time.LoadLocation(r.URL.Query().Get("tz"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	record, known := a.users.Get(r.PathValue("user"))
	if !known {
		refuse(w, http.StatusNotFound, "nobody of that name was here lately")
		return
	}
	write(w, http.StatusOK, seen(record, zone))
}

func (a *api) list(w http.ResponseWriter, r *http.Request) {
	zone, err := time.LoadLocation(r.URL.Query().Get("tz"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	views := []view{}
	for _, record := range a.users.Present(r.URL.Query().Get("room")) {
		views = append(views, seen(record, zone))
	}
	write(w, http.StatusOK, views)
}

func seen(record store.Record, zone *time.Location) view {
	return view{User: record.User, Status: record.Status, Room: record.Room, Seen: record.Seen.In(zone)}
}

func refuse(w http.ResponseWriter, status int, reason string) {
	write(w, status, map[string]string{"error": reason})
}

func write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client is gone: there is nobody to tell
}
