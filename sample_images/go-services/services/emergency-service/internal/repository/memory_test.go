package repository

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"example.com/go-services/emergency-service/internal/models"
)

func TestListIsByStatusAndAge(t *testing.T) {
	m, start := NewMemory(), time.Now()
	for age, status := range []models.Status{models.Open, models.Resolved, models.Open} {
		m.Add(models.Emergency{ID: strconv.Itoa(age), Status: status, CreatedAt: start.Add(-time.Duration(age) * time.Hour)})
	}
	open := m.List(models.Open)
	if len(open) != 2 || open[0].ID != "2" || open[1].ID != "0" {
		t.Errorf("open: %v", open)
	}
	if all := m.List(""); len(all) != 3 {
		t.Errorf("all: %v", all)
	}
}

func TestChangeIsAllOrNothing(t *testing.T) {
	m, no := NewMemory(), errors.New("no")
	m.Add(models.Emergency{ID: "a", Status: models.Open})
	_, err := m.Change("a", func(e *models.Emergency) error {
		e.Status = models.Resolved
		return no
	})
	if e, _ := m.Get("a"); !errors.Is(err, no) || e.Status != models.Open {
		t.Errorf("%v, %v", err, e)
	}
	if _, err := m.Change("b", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
}

func TestChangesDoNotGetLost(t *testing.T) {
	m := NewMemory()
	m.Add(models.Emergency{ID: "a"})
	var all sync.WaitGroup
	for range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			_, _ = m.Change("a", func(e *models.Emergency) error {
				e.Location.Latitude++
				return nil
			})
		}()
	}
	all.Wait()
	if e, _ := m.Get("a"); e.Location.Latitude != 50 {
		t.Errorf("%g of 50 changes", e.Location.Latitude)
	}
}
