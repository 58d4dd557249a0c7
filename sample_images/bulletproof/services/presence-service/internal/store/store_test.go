package store

import (
	"testing"
	"time"
)

func TestAUserAgesIsOfflineAndForgotten(t *testing.T) {
	now := time.Unix(1000, 0)
	s := New(time.Minute, func() time.Time { return now })
	s.Put("ann", "away", "tea")
	for _, step := range []struct {
		after  time.Duration
		status string
		known  bool
	}{{0, "away", true}, {time.Minute, "away", true}, {61 * time.Second, "offline", true}, {11 * time.Minute, "", false}} {
		now = time.Unix(1000, 0).Add(step.after)
		s.Forget()
		record, known := s.Get("ann")
		if known != step.known || (known && record.Status != step.status) {
			t.Errorf("after %s: %+v, known %v", step.after, record, known)
		}
	}
}

func TestPresentIsSortedAndByRoom(t *testing.T) {
	s := New(time.Minute, time.Now)
	s.Put("cal", "online", "tea")
	s.Put("ann", "online", "tea")
	s.Put("ben", "online", "coffee")
	s.Put("dan", "offline", "tea")
	names := func(room string) (got string) {
		for _, record := range s.Present(room) {
			got += record.User + " "
		}
		return got
	}
	if names("tea") != "ann cal " || names("") != "ann ben cal " || names("none") != "" {
		t.Errorf("%q, %q, %q", names("tea"), names(""), names("none"))
	}
}
