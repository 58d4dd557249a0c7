package services

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"example.com/go-app/internal/models"
)

// nowhere refuses connections: nothing listens on port 1.
const nowhere = "127.0.0.1:1"

type fakeCache struct {
	notes  map[int64]models.Note
	broken bool
}

func (f *fakeCache) Get(_ context.Context, id int64) (models.Note, bool, error) {
	if f.broken {
		return models.Note{}, false, errors.New("broken")
	}
	note, found := f.notes[id]
	return note, found, nil
}

func (f *fakeCache) Put(_ context.Context, note models.Note) error {
	f.notes[note.ID] = note
	return nil
}

func (f *fakeCache) Drop(_ context.Context, id int64) error {
	delete(f.notes, id)
	return nil
}

func (f *fakeCache) Health(context.Context) Health { return Health{"fake", OK} }
func (f *fakeCache) Close() error                  { return nil }

func TestReadFillsTheCacheAndChangesEmptyIt(t *testing.T) {
	ctx := context.Background()
	cache := &fakeCache{notes: map[int64]models.Note{}}
	notes := &Notes{Store: NewMemory(), Cache: cache}
	note, err := notes.Create(ctx, models.Draft{Title: "milk"})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want Lookup, title string) {
		t.Helper()
		read, looked, err := notes.Read(ctx, note.ID)
		if err != nil || looked != want || read.Title != title {
			t.Errorf("%s %q %v, not %s %q", looked, read.Title, err, want, title)
		}
	}
	expect(Miss, "milk")
	expect(Hit, "milk")
	if _, err = notes.Update(ctx, note.ID, models.Draft{Title: "bread"}); err != nil {
		t.Fatal(err)
	}
	expect(Miss, "bread")
	cache.broken = true
	expect(Down, "bread")
	cache.broken = false
	if err = notes.Delete(ctx, note.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err = notes.Read(ctx, note.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted note: %v", err)
	}
	notes.Cache = nil
	if _, looked, _ := notes.Read(ctx, note.ID); looked != Bypassed {
		t.Errorf("without a cache: %s", looked)
	}
}

func TestMemory(t *testing.T) {
	ctx, store := context.Background(), NewMemory()
	for _, title := range []string{"a", "b", "c"} {
		if _, err := store.Create(ctx, models.Draft{Title: title}); err != nil {
			t.Fatal(err)
		}
	}
	notes, err := store.List(ctx, 2)
	if err != nil || len(notes) != 2 || notes[0].Title != "c" || notes[1].Title != "b" {
		t.Errorf("the newest two are %v, %v", notes, err)
	}
	for name, err := range map[string]error{
		"update": func() error { _, err := store.Update(ctx, 9, models.Draft{}); return err }(),
		"delete": store.Delete(ctx, 9),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
	for len(store.notes) < memoryLimit {
		if _, err = store.Create(ctx, models.Draft{Title: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = store.Create(ctx, models.Draft{Title: "x"}); !errors.Is(err, ErrFull) {
		t.Errorf("one note too many: %v", err)
	}
}

func TestAnUnreachableDatabaseIsTriedALimitedNumberOfTimes(t *testing.T) {
	for _, driver := range []string{"pgx", "pq"} {
		store, err := OpenPostgres(driver, "postgres://user:secret@"+nowhere+"/notes?sslmode=disable")
		if err != nil {
			t.Fatal(driver, err)
		}
		defer store.Close()
		started := time.Now()
		err = store.Connect(context.Background(), 3, 10*time.Millisecond)
		if !errors.Is(err, ErrUnavailable) || time.Since(started) > 5*time.Second {
			t.Errorf("%s: %v after %s", driver, err, time.Since(started))
		}
		if _, err = store.Get(context.Background(), 1); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: a read gives %v", driver, err)
		}
		if health := store.Health(context.Background()); health.State != Unreachable {
			t.Errorf("%s: health is %v", driver, health)
		}
	}
}

func TestConnectStopsWhenTheServiceStops(t *testing.T) {
	store, err := OpenPostgres("pgx", "postgres://"+nowhere+"/notes")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err = store.Connect(ctx, 1000, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestAnUnreachableCacheIsSaidInTime(t *testing.T) {
	cache, err := OpenRedis("redis://"+nowhere+"/0", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	notes := &Notes{Store: NewMemory(), Cache: cache}
	note, err := notes.Create(context.Background(), models.Draft{Title: "milk"})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			if read, looked, err := notes.Read(ctx, note.ID); err != nil || looked != Down || read.Title != "milk" {
				t.Errorf("%v %s %v", read, looked, err)
			}
		})
	}
	group.Wait()
	if health := cache.Health(context.Background()); health.State != Unreachable {
		t.Errorf("health is %v", health)
	}
}

func TestURLsThatAreNone(t *testing.T) {
	if _, err := OpenRedis("http://127.0.0.1", time.Minute); err == nil {
		t.Error("an http URL is accepted for Redis")
	}
	for _, driver := range []string{"pgx", "pq"} {
		if _, err := OpenPostgres(driver, "postgres://host:port/x"); err == nil {
			t.Errorf("%s accepts a port that is no number", driver)
		}
	}
}
