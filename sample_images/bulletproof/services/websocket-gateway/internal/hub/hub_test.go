package hub

import (
	"errors"
	"testing"
	"time"
)

func join(t *testing.T, h *Hub, room, user string) *Member {
	t.Helper()
	member, err := h.Join(room, user)
	if err != nil {
		t.Fatal(err)
	}
	return member
}

func TestARoomHearsItsMembersAndNoOther(t *testing.T) {
	h := New()
	ann, ben, cal := join(t, h, "tea", "ann"), join(t, h, "tea", "ben"), join(t, h, "coffee", "cal")
	if delivered, dropped := h.Publish(ann, "hello", time.Unix(1, 0)); delivered != 1 || dropped != 0 {
		t.Errorf("delivered to %d, dropped %d", delivered, dropped)
	}
	if got := <-ben.Messages(); got.From != "ann" || got.Text != "hello" || got.Room != "tea" {
		t.Errorf("ben heard %+v", got)
	}
	if len(ann.queue) != 0 || len(cal.queue) != 0 {
		t.Error("the sender or another room heard it too")
	}
}

func TestAMemberThatDoesNotReadIsDropped(t *testing.T) {
	h := New()
	ann, ben := join(t, h, "tea", "ann"), join(t, h, "tea", "ben")
	for range queueLength {
		h.Publish(ann, "hello", time.Unix(1, 0))
	}
	if _, dropped := h.Publish(ann, "one too many", time.Unix(1, 0)); dropped != 1 {
		t.Fatalf("dropped %d", dropped)
	}
	heard := 0
	for range ben.Messages() {
		heard++
	}
	if heard != queueLength {
		t.Errorf("ben heard %d before the end", heard)
	}
	h.Leave(ben)
	if _, members := h.Count(); members != 1 {
		t.Errorf("%d members are left", members)
	}
}

func TestRoomsEndWithTheirMembersAndWithTheHub(t *testing.T) {
	h := New()
	ann, ben := join(t, h, "tea", "ann"), join(t, h, "coffee", "ben")
	h.Leave(ann)
	if rooms, members := h.Count(); rooms != 1 || members != 1 {
		t.Errorf("%d rooms, %d members", rooms, members)
	}
	h.Close()
	if _, open := <-ben.Messages(); open {
		t.Error("the hub is closed, ben's queue is not")
	}
	if _, err := h.Join("tea", "cal"); !errors.Is(err, ErrClosed) {
		t.Errorf("joined a closed hub: %v", err)
	}
}
