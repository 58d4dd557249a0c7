package services

import (
	"context"
	"log/slog"

	"example.com/go-app/internal/models"
)

// Lookup says what the cache did for a read; it is the value of the X-Cache header.
type Lookup string

// Results of a look into the cache.
const (
	Hit      Lookup = "hit"
	Miss     Lookup = "miss"
	Bypassed Lookup = "off"  // there is no cache
	Down     Lookup = "down" // there should be one
)

// Cache holds copies of notes for a while. An error of one is a reason to ask the store, never to fail.
type Cache interface {
	Get(context.Context, int64) (note models.Note, found bool, err error)
	Put(context.Context, models.Note) error
	Drop(context.Context, int64) error
	Health(context.Context) Health
	Close() error
}

// Notes is a store with a cache before it, or without (nil).
type Notes struct {
	Store
	Cache Cache
}

// Read returns a note from the cache, else from the store.
// A copy that is put while another request changes the note can be old, for as long as the cache keeps it.
func (n *Notes) Read(ctx context.Context, id int64) (models.Note, Lookup, error) {
	if n.Cache == nil {
		note, err := n.Store.Get(ctx, id)
		return note, Bypassed, err
	}
	looked := Miss
	note, found, err := n.Cache.Get(ctx, id)
	switch {
	case err != nil:
		slog.Warn("cache does not answer", "error", err)
		looked = Down
	case found:
		return note, Hit, nil
	}
	note, err = n.Store.Get(ctx, id)
	if err == nil && looked == Miss {
		n.note("put", n.Cache.Put(ctx, note))
	}
	return note, looked, err
}

// Update changes a note and drops its copy.
func (n *Notes) Update(ctx context.Context, id int64, draft models.Draft) (models.Note, error) {
	note, err := n.Store.Update(ctx, id, draft)
	n.drop(ctx, id)
	return note, err
}

// Delete removes a note and its copy.
func (n *Notes) Delete(ctx context.Context, id int64) error {
	err := n.Store.Delete(ctx, id)
	n.drop(ctx, id)
	return err
}

// CacheHealth is Off without a cache.
func (n *Notes) CacheHealth(ctx context.Context) Health {
	if n.Cache == nil {
		return Health{"none", Off}
	}
	return n.Cache.Health(ctx)
}

// Close closes both.
func (n *Notes) Close() error {
	if n.Cache != nil {
		n.note("close", n.Cache.Close())
	}
	return n.Store.Close()
}

func (n *Notes) drop(ctx context.Context, id int64) {
	if n.Cache != nil {
		n.note("drop", n.Cache.Drop(ctx, id))
	}
}

func (n *Notes) note(what string, err error) {
	if err != nil {
		slog.Warn("cache does not answer", "for", what, "error", err)
	}
}
