// Package repository keeps emergencies.
package repository

import (
	"errors"
	"slices"
	"sync"

	"example.com/go-services/emergency-service/internal/models"
)

// ErrNotFound is returned for an id that nothing is stored under.
var ErrNotFound = errors.New("no such emergency")

// Memory keeps emergencies until the process ends. Safe for concurrent use.
type Memory struct {
	mutex sync.RWMutex
	byID  map[string]models.Emergency
}

func NewMemory() *Memory {
	return &Memory{byID: map[string]models.Emergency{}}
}

func (m *Memory) Add(e models.Emergency) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.byID[e.ID] = e
}

func (m *Memory) Get(id string) (models.Emergency, error) {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	e, found := m.byID[id]
	if !found {
		return e, ErrNotFound
	}
	return e, nil
}

// List returns those with this status, or all for "", the oldest first.
func (m *Memory) List(status models.Status) []models.Emergency {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	found := []models.Emergency{}
	for _, e := range m.byID {
		if status == "" || e.Status == status {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b models.Emergency) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return found
}

// Change replaces one by what change makes of it, while nobody else can; an error of change leaves it as it was.
func (m *Memory) Change(id string, change func(*models.Emergency) error) (models.Emergency, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	e, found := m.byID[id]
	if !found {
		return e, ErrNotFound
	}
	if err := change(&e); err != nil {
		return e, err
	}
	m.byID[id] = e
	return e, nil
}
