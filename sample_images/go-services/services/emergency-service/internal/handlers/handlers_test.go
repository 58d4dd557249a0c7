package handlers

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/go-services/emergency-service/internal/models"
	"example.com/go-services/emergency-service/internal/repository"
	"example.com/go-services/emergency-service/internal/service"
)

const fire = `{"kind": "fire", "message": "smoke", "location": {"latitude": 52.5, "longitude": 13.4}}`

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// centre starts a service whose dispatch centre answers with this status.
func centre(t *testing.T, status int, got *[]byte) http.Handler {
	t.Helper()
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*got, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
	}))
	t.Cleanup(hook.Close)
	dispatcher := service.NewWebhook(hook.URL, time.Second)
	return New(service.New(repository.NewMemory(), dispatcher, func() time.Time { return noon }), About{Version: "v1"})
}

func call(t *testing.T, h http.Handler, method, path, body string, want int) map[string]any {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	if recorder.Code != want {
		t.Fatalf("%s %s: %d, not %d: %s", method, path, recorder.Code, want, recorder.Body)
	}
	var value map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &value); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return value
}

func TestAnEmergencyFromReportToResolution(t *testing.T) {
	var sent []byte
	h := centre(t, http.StatusAccepted, &sent)
	e := call(t, h, "POST", "/emergencies", fire, http.StatusCreated)
	path := "/emergencies/" + e["id"].(string)
	if e["status"] != "open" || e["dispatched"] != true {
		t.Errorf("reported: %v", e)
	}
	var seen models.Emergency
	if err := json.Unmarshal(sent, &seen); err != nil || seen.ID != e["id"] || seen.Location.Latitude != 52.5 {
		t.Errorf("the centre saw %s (%v)", sent, err)
	}
	if health := call(t, h, "GET", "/health", "", http.StatusOK); health["status"] != "healthy" || health["open"] != 1.0 {
		t.Errorf("health: %v", health)
	}
	call(t, h, "POST", path+"/acknowledge", "", http.StatusOK)
	call(t, h, "POST", path+"/acknowledge", "", http.StatusConflict)
	call(t, h, "POST", path+"/resolve", "", http.StatusOK)
	if e := call(t, h, "GET", path, "", http.StatusOK); e["status"] != "resolved" {
		t.Errorf("resolved: %v", e)
	}
	if health := call(t, h, "GET", "/health", "", http.StatusOK); health["open"] != 0.0 {
		t.Errorf("health: %v", health)
	}
}

func TestAnEmergencyThatTheCentreRefusesIsKept(t *testing.T) {
	var sent []byte
	h := centre(t, http.StatusServiceUnavailable, &sent)
	e := call(t, h, "POST", "/emergencies", fire, http.StatusCreated)
	if e["dispatched"] != false {
		t.Errorf("reported: %v", e)
	}
	call(t, h, "GET", "/emergencies/"+e["id"].(string), "", http.StatusOK)
}

func TestTimesInAZone(t *testing.T) {
	h := centre(t, http.StatusOK, new([]byte))
	path := "/emergencies/" + call(t, h, "POST", "/emergencies", fire, http.StatusCreated)["id"].(string)
	if e := call(t, h, "GET", path+"?zone=Europe/Berlin", "", http.StatusOK); e["created_at"] != "2026-07-01T14:00:00+02:00" {
		t.Errorf("in Berlin: %v", e["created_at"])
	}
	call(t, h, "GET", path+"?zone=Nowhere/Land", "", http.StatusBadRequest)
}

func TestWhatIsRefused(t *testing.T) {
	h := centre(t, http.StatusOK, new([]byte))
	call(t, h, "POST", "/emergencies", "{", http.StatusBadRequest)
	call(t, h, "POST", "/emergencies", `{"kind": "party"}`, http.StatusBadRequest)
	call(t, h, "POST", "/emergencies", `{"message": "`+strings.Repeat("x", 20000)+`"}`, http.StatusBadRequest)
	call(t, h, "GET", "/emergencies/none", "", http.StatusNotFound)
}
