// Package config reads the service's settings from the environment.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"
)

// Config holds the settings. Without DATABASE_URL notes live in memory, without REDIS_URL there is no cache.
type Config struct {
	Host            string        `envconfig:"HOST" desc:"address to listen on; empty: all"`
	Port            uint16        `envconfig:"PORT" default:"8080" desc:"port to listen on"`
	LogLevel        slog.Level    `envconfig:"LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
	DatabaseURL     string        `envconfig:"DATABASE_URL" desc:"postgres://user:password@host:5432/name"`
	DatabaseDriver  string        `envconfig:"DATABASE_DRIVER" default:"pgx" desc:"pgx or pq"`
	RedisURL        string        `envconfig:"REDIS_URL" desc:"redis://host:6379/0"`
	CacheTTL        time.Duration `envconfig:"CACHE_TTL" default:"1m" desc:"how long a cached note is used"`
	ConnectAttempts int           `envconfig:"CONNECT_ATTEMPTS" default:"10" desc:"tries to reach the database at start"`
	ConnectWait     time.Duration `envconfig:"CONNECT_WAIT" default:"1s" desc:"pause after each of them"`
	RequestTimeout  time.Duration `envconfig:"REQUEST_TIMEOUT" default:"3s" desc:"limit of one request's work"`
	ShutdownTimeout time.Duration `envconfig:"SHUTDOWN_TIMEOUT" default:"10s" desc:"limit of what is under way at a stop"`
	TimeZone        string        `envconfig:"TZ" desc:"time zone of /time, such as Europe/Zurich"`
}

// Load reads the environment. Its errors name the variable.
func Load() (Config, error) {
	var c Config
	if err := envconfig.Process("", &c); err != nil {
		return Config{}, err
	}
	switch {
	case c.Port == 0:
		return Config{}, fmt.Errorf("PORT: 0 is no port to be asked on")
	case c.DatabaseDriver != "pgx" && c.DatabaseDriver != "pq":
		return Config{}, fmt.Errorf("DATABASE_DRIVER: %q is neither pgx nor pq", c.DatabaseDriver)
	case c.ConnectAttempts < 1:
		return Config{}, fmt.Errorf("CONNECT_ATTEMPTS: %d is less than one", c.ConnectAttempts)
	case c.RequestTimeout <= 0 || c.ShutdownTimeout <= 0 || c.CacheTTL <= 0 || c.ConnectWait < 0:
		return Config{}, fmt.Errorf("a duration is not above zero: CACHE_TTL, CONNECT_WAIT, REQUEST_TIMEOUT or SHUTDOWN_TIMEOUT")
	}
	return c, nil
}

// Address is where the server listens.
func (c Config) Address() string {
	return net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

// HealthURL is where the server in the same container can be asked.
func (c Config) HealthURL() string {
	host := c.Host
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(int(c.Port))) + "/health"
}

// Zone is the time zone that TZ names. An error means that the image has no such zone file; the zone is then UTC,
// which is also what Go would have taken without a word.
func (c Config) Zone() (*time.Location, error) {
	name := strings.TrimPrefix(c.TimeZone, ":")
	zone, err := time.LoadLocation(name) // "" is UTC
	if err != nil {
		return time.UTC, fmt.Errorf("TZ: %w", err)
	}
	return zone, nil
}
