package config

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultsNeedNothing(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.Address() != ":8080" || c.DatabaseDriver != "pgx" || c.RequestTimeout != 3*time.Second {
		t.Errorf("defaults are %+v", c)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for name, value := range map[string]string{
		"PORT": "70000", "DATABASE_DRIVER": "mysql", "CONNECT_ATTEMPTS": "0", "REQUEST_TIMEOUT": "0s", "LOG_LEVEL": "loud",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if _, err := Load(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		})
	}
	t.Setenv("PORT", "0")
	if _, err := Load(); err == nil {
		t.Error("port 0 is accepted")
	}
}

func TestHealthURLFollowsTheAddress(t *testing.T) {
	for host, want := range map[string]string{
		"":         "http://127.0.0.1:9000/health",
		"0.0.0.0":  "http://127.0.0.1:9000/health",
		"::":       "http://[::1]:9000/health",
		"10.0.0.7": "http://10.0.0.7:9000/health",
	} {
		if got := (Config{Host: host, Port: 9000}).HealthURL(); got != want {
			t.Errorf("HOST=%q: %s, not %s", host, got, want)
		}
	}
}

func TestAnUnknownZoneIsSaidAndIsUTC(t *testing.T) {
	zone, err := Config{TimeZone: "Mars/Olympus"}.Zone()
	if err == nil || zone != time.UTC {
		t.Errorf("zone %v, error %v", zone, err)
	}
	if zone, err = (Config{TimeZone: ":Etc/UTC"}).Zone(); err != nil || zone.String() != "Etc/UTC" {
		t.Errorf("zone %v, error %v", zone, err)
	}
}
