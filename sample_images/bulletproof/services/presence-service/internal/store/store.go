// Package store remembers when each user was last heard of. Nothing is written to disk: after a restart the
// gateways' heartbeats fill it again.
package store

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Record is what is known of a user. Status is "online", "away" or "offline".
type Record struct {
	User   string
	Status string
	Room   string
	Seen   time.Time
}

// Store is safe for use by many goroutines; make one with New.
type Store struct {
	mu      sync.RWMutex
	records map[string]Record
	ttl     time.Duration
	now     func() time.Time
}

// New returns an empty store. A user unheard of for ttl counts as offline, for ten times ttl is forgotten.
func New(ttl time.Duration, now func() time.Time) *Store {
	return &Store{records: make(map[string]Record), ttl: ttl, now: now}
}

// Put replaces what is known of a user.
func (s *Store) Put(user, status, room string) Record {
	record := Record{User: user, Status: status, Room: room, Seen: s.now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[user] = record
	return record
}

// Get returns a user's record as of now.
func (s *Store) Get(user string) (Record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	record, known := s.records[user]
	return s.aged(record), known
}

// Present lists who is not offline, in a room or, for an empty room, everywhere; by name.
func (s *Store) Present(room string) []Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	present := []Record{}
	for _, record := range s.records {
		if record = s.aged(record); record.Status != "offline" && (room == "" || record.Room == room) {
			present = append(present, record)
		}
	}
	slices.SortFunc(present, func(a, b Record) int { return strings.Compare(a.User, b.User) })
	return present
}

// Forget removes users unheard of for long and returns how many they were.
func (s *Store) Forget() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.records)
	for user, record := range s.records {
		if s.now().Sub(record.Seen) > 10*s.ttl {
			delete(s.records, user)
		}
	}
	return before - len(s.records)
}

func (s *Store) aged(record Record) Record {
	if s.now().Sub(record.Seen) > s.ttl {
		record.Status = "offline"
	}
	return record
}
