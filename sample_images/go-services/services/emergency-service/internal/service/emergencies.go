// Package service holds the rules: what may happen to an emergency, and when.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"example.com/go-services/emergency-service/internal/models"
)

// ErrInvalid wraps what is wrong with a report; ErrState says that an emergency can't go where it was sent.
var (
	ErrInvalid = errors.New("invalid report")
	ErrState   = errors.New("not possible now")
)

// Repository is what the service needs of a store.
type Repository interface {
	Add(models.Emergency)
	Get(id string) (models.Emergency, error)
	List(models.Status) []models.Emergency
	Change(id string, change func(*models.Emergency) error) (models.Emergency, error)
}

// Dispatcher hands an emergency to those who help.
type Dispatcher interface {
	Dispatch(context.Context, models.Emergency) error
}

type Emergencies struct {
	store      Repository
	dispatcher Dispatcher // nil: none
	now        func() time.Time
}

func New(store Repository, dispatcher Dispatcher, now func() time.Time) *Emergencies {
	return &Emergencies{store, dispatcher, now}
}

// Report stores a new emergency first and dispatches it then: one that the dispatch centre did not take is not lost.
func (s *Emergencies) Report(ctx context.Context, report models.Report) (models.Emergency, error) {
	if err := report.Validate(); err != nil {
		return models.Emergency{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	at := s.now().UTC()
	e := models.Emergency{
		ID: uuid.NewString(), Kind: report.Kind, Message: report.Message, Location: *report.Location,
		Status: models.Open, CreatedAt: at, UpdatedAt: at,
	}
	s.store.Add(e)
	if s.dispatcher == nil {
		return e, nil
	}
	if err := s.dispatcher.Dispatch(ctx, e); err != nil {
		slog.Error("not dispatched", "id", e.ID, "error", err)
		return e, nil
	}
	return s.store.Change(e.ID, func(e *models.Emergency) error {
		e.Dispatched = true
		return nil
	})
}

func (s *Emergencies) Get(id string) (models.Emergency, error) { return s.store.Get(id) }

func (s *Emergencies) List(status models.Status) []models.Emergency { return s.store.List(status) }

func (s *Emergencies) Acknowledge(id string) (models.Emergency, error) {
	return s.move(id, models.Acknowledged, models.Open)
}

func (s *Emergencies) Resolve(id string) (models.Emergency, error) {
	return s.move(id, models.Resolved, models.Open, models.Acknowledged)
}

func (s *Emergencies) move(id string, to models.Status, from ...models.Status) (models.Emergency, error) {
	return s.store.Change(id, func(e *models.Emergency) error {
		for _, status := range from {
			if e.Status == status {
				e.Status, e.UpdatedAt = to, s.now().UTC()
				return nil
			}
		}
		return fmt.Errorf("%w: it is %s already", ErrState, e.Status)
	})
}
