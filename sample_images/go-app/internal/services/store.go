// Package services keeps notes: in memory or in PostgreSQL, with Redis before it.
package services

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"example.com/go-app/internal/models"
)

var (
	// ErrNotFound is the answer for an id that no note has.
	ErrNotFound = errors.New("no such note")
	// ErrFull is the memory store's: PostgreSQL has no limit of its own.
	ErrFull = errors.New("the store is full")
	// ErrUnavailable is wrapped by what a store returns while its database can't be reached.
	ErrUnavailable = errors.New("the database can't be reached")
)

// Health of one part, as /health shows it. Why a part is unreachable goes to the log, not to the client.
type Health struct {
	Kind  string `json:"kind"`
	State string `json:"state"`
}

// States of Health.
const (
	OK          = "ok"
	Off         = "off"
	Unreachable = "unreachable"
)

// Store keeps notes. Get, Update and Delete return ErrNotFound.
type Store interface {
	Create(context.Context, models.Draft) (models.Note, error)
	Get(context.Context, int64) (models.Note, error)
	List(ctx context.Context, limit int) ([]models.Note, error) // the newest first
	Update(context.Context, int64, models.Draft) (models.Note, error)
	Delete(context.Context, int64) error
	Health(context.Context) Health
	Close() error
}

const memoryLimit = 10_000 // notes

// Memory is the store of a service that was given no database.
type Memory struct {
	mu    sync.Mutex
	last  int64
	notes map[int64]models.Note
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{notes: map[int64]models.Note{}} }

func (m *Memory) Create(_ context.Context, draft models.Draft) (models.Note, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.notes) >= memoryLimit {
		return models.Note{}, ErrFull
	}
	m.last++
	now := time.Now().UTC()
	m.notes[m.last] = models.Note{ID: m.last, Draft: draft, CreatedAt: now, UpdatedAt: now}
	return m.notes[m.last], nil
}

func (m *Memory) Get(_ context.Context, id int64) (models.Note, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	note, ok := m.notes[id]
	if !ok {
		return models.Note{}, ErrNotFound
	}
	return note, nil
}

func (m *Memory) List(_ context.Context, limit int) ([]models.Note, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	notes := make([]models.Note, 0, len(m.notes))
	for _, note := range m.notes {
		notes = append(notes, note)
	}
	slices.SortFunc(notes, func(a, b models.Note) int { return int(b.ID - a.ID) })
	return notes[:min(limit, len(notes))], nil
}

func (m *Memory) Update(_ context.Context, id int64, draft models.Draft) (models.Note, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	note, ok := m.notes[id]
	if !ok {
		return models.Note{}, ErrNotFound
	}
	note.Draft, note.UpdatedAt = draft, time.Now().UTC()
	m.notes[id] = note
	return note, nil
}

func (m *Memory) Delete(_ context.Context, id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.notes[id]; !ok {
		return ErrNotFound
	}
	delete(m.notes, id)
	return nil
}

func (m *Memory) Health(context.Context) Health { return Health{"memory", OK} }
func (m *Memory) Close() error                  { return nil }
