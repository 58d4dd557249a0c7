package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/go-app/internal/models"
)

// Redis is a Cache that other replicas share.
type Redis struct {
	client *redis.Client
	ttl    time.Duration
}

// quiet sends what the client says by itself to the debug log: its errors come back to the caller anyway.
type quiet struct{}

func (quiet) Printf(_ context.Context, format string, v ...any) {
	slog.Debug("redis client", "says", fmt.Sprintf(format, v...))
}

// OpenRedis checks the URL and connects to nothing yet: the client does so, and again, when it is used.
func OpenRedis(url string, ttl time.Duration) (*Redis, error) {
	redis.SetLogger(quiet{})
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	// A cache that is slower than the database is of no use: short limits, one more try.
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = time.Second, 500*time.Millisecond, 500*time.Millisecond
	options.MaxRetries = 1
	options.ContextTimeoutEnabled = true
	return &Redis{client: redis.NewClient(options), ttl: ttl}, nil
}

func (r *Redis) Get(ctx context.Context, id int64) (note models.Note, found bool, err error) {
	text, err := r.client.Get(ctx, key(id)).Bytes()
	if errors.Is(err, redis.Nil) {
		return note, false, nil
	}
	if err != nil {
		return note, false, err
	}
	if err = json.Unmarshal(text, &note); err != nil {
		return models.Note{}, false, err
	}
	return note, true, nil
}

func (r *Redis) Put(ctx context.Context, note models.Note) error {
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return r.client.Set(ctx, key(note.ID), text, r.ttl).Err()
}

func (r *Redis) Drop(ctx context.Context, id int64) error { return r.client.Del(ctx, key(id)).Err() }

func (r *Redis) Health(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := r.client.Ping(ctx).Err(); err != nil {
		slog.Warn("cache does not answer", "error", err)
		return Health{"redis", Unreachable}
	}
	return Health{"redis", OK}
}

func (r *Redis) Close() error { return r.client.Close() }

func key(id int64) string { return "go-app:note:" + strconv.FormatInt(id, 10) }
