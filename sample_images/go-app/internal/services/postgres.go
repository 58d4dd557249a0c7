package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"example.com/go-app/internal/models"
)

const (
	pingTimeout = time.Second
	schema      = `CREATE TABLE IF NOT EXISTS notes (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		title text NOT NULL,
		body text NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now())`
	schemaLock = 2002 // of pg_advisory_xact_lock: replicas that start at once make the table one after the other
	columns    = "id, title, body, created_at, updated_at"
)

// Postgres stores notes through database/sql and either driver.
type Postgres struct {
	db     *sql.DB
	driver string
	ready  atomic.Bool // the table is there
	mu     sync.Mutex  // held by who makes it
}

// OpenPostgres checks the URL and connects to nothing yet. driver: "pgx" or "pq".
func OpenPostgres(driver, url string) (*Postgres, error) {
	db, err := open(driver, url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &Postgres{db: db, driver: driver}, nil
}

func open(driver, url string) (*sql.DB, error) {
	switch driver {
	case "pgx":
		settings, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		return stdlib.OpenDB(*settings), nil
	case "pq":
		connector, err := pq.NewConnector(url)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	}
	return nil, fmt.Errorf("no driver is called %q", driver)
}

// Connect tries to reach the database, attempts times. Without success the service goes on: each later use tries once.
func (p *Postgres) Connect(ctx context.Context, attempts int, wait time.Duration) error {
	var err error
	for attempt := 1; attempt <= attempts; attempt++ {
		if err = p.prepare(ctx); err == nil {
			slog.Info("database is there", "driver", p.driver, "attempt", attempt)
			return nil
		}
		slog.Warn("database is not there yet", "driver", p.driver, "attempt", attempt, "of", attempts, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return err
}

// prepare makes the table when it is first reached. One caller at a time asks; the others are told at once.
func (p *Postgres) prepare(ctx context.Context) error {
	if p.ready.Load() {
		return nil
	}
	if !p.mu.TryLock() {
		return fmt.Errorf("%w: another request is asking", ErrUnavailable)
	}
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it says so, before it nothing is lost
	if _, err = tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", schemaLock); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if _, err = tx.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err = tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	p.ready.Store(true)
	return nil
}

func (p *Postgres) Create(ctx context.Context, d models.Draft) (models.Note, error) {
	return p.one(ctx, "INSERT INTO notes (title, body) VALUES ($1, $2) RETURNING "+columns, d.Title, d.Body)
}

func (p *Postgres) Get(ctx context.Context, id int64) (models.Note, error) {
	return p.one(ctx, "SELECT "+columns+" FROM notes WHERE id = $1", id)
}

func (p *Postgres) Update(ctx context.Context, id int64, d models.Draft) (models.Note, error) {
	return p.one(ctx, "UPDATE notes SET title = $2, body = $3, updated_at = now() WHERE id = $1 RETURNING "+columns,
		id, d.Title, d.Body)
}

func (p *Postgres) Delete(ctx context.Context, id int64) error {
	_, err := p.one(ctx, "DELETE FROM notes WHERE id = $1 RETURNING "+columns, id)
	return err
}

func (p *Postgres) List(ctx context.Context, limit int) ([]models.Note, error) {
	if err := p.prepare(ctx); err != nil {
		return nil, err
	}
	rows, err := p.db.QueryContext(ctx, "SELECT "+columns+" FROM notes ORDER BY id DESC LIMIT $1", limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	notes := []models.Note{}
	for rows.Next() {
		note, err := scan(rows)
		if err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	return notes, rows.Err()
}

// Health asks the database anew each time, within a second.
func (p *Postgres) Health(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	err := p.prepare(ctx)
	if err == nil {
		err = p.db.PingContext(ctx)
	}
	if err != nil {
		slog.Warn("database does not answer", "driver", p.driver, "error", err)
		return Health{"postgresql " + p.driver, Unreachable}
	}
	return Health{"postgresql " + p.driver, OK}
}

func (p *Postgres) Close() error { return p.db.Close() }

func (p *Postgres) one(ctx context.Context, query string, arguments ...any) (models.Note, error) {
	if err := p.prepare(ctx); err != nil {
		return models.Note{}, err
	}
	note, err := scan(p.db.QueryRowContext(ctx, query, arguments...))
	if errors.Is(err, sql.ErrNoRows) {
		return models.Note{}, ErrNotFound
	}
	return note, err
}

func scan(row interface{ Scan(...any) error }) (models.Note, error) {
	var n models.Note
	err := row.Scan(&n.ID, &n.Title, &n.Body, &n.CreatedAt, &n.UpdatedAt)
	n.CreatedAt, n.UpdatedAt = n.CreatedAt.UTC(), n.UpdatedAt.UTC()
	return n, err
}
