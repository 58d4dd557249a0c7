// Package hub hands messages to the members of a room.
package hub

import (
	"errors"
	"sync"
	"time"
)

// ErrClosed is returned by Join when the gateway is going away.
var ErrClosed = errors.New("the hub is closed")

// queueLength is how far a member may fall behind before it is dropped: one slow reader must not hold up a room.
const queueLength = 32

// Message is what one member says to its room.
type Message struct {
	Room string    `json:"room"`
	From string    `json:"from"`
	Text string    `json:"text"`
	Sent time.Time `json:"sent"`
}

// Member is one connection of a user in a room.
type Member struct {
	Room, User string
	queue      chan Message
}

// Messages yields what was said by others. It is closed when the member left, was dropped, or the hub closed.
func (m *Member) Messages() <-chan Message { return m.queue }

// Hub holds the rooms; its zero value is not ready, use New.
type Hub struct {
	mu     sync.Mutex
	rooms  map[string]map[*Member]struct{}
	closed bool
}

// New returns a hub without rooms; they come and go with their members.
func New() *Hub { return &Hub{rooms: make(map[string]map[*Member]struct{})} }

// Join adds a member to a room.
func (h *Hub) Join(room, user string) (*Member, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if h.rooms[room] == nil {
		h.rooms[room] = make(map[*Member]struct{})
	}
	member := &Member{Room: room, User: user, queue: make(chan Message, queueLength)}
	h.rooms[room][member] = struct{}{}
	return member, nil
}

// Leave removes a member; to leave twice does nothing.
func (h *Hub) Leave(member *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(member)
}

// Publish queues a message for all in the sender's room but the sender, and drops those whose queue is full.
func (h *Hub) Publish(sender *Member, text string, sent time.Time) (delivered, dropped int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	message := Message{Room: sender.Room, From: sender.User, Text: text, Sent: sent}
	for member := range h.rooms[sender.Room] {
		if member == sender {
			continue
		}
		select {
		case member.queue <- message:
			delivered++
		default:
			h.remove(member)
			dropped++
		}
	}
	return delivered, dropped
}

// Count returns how many rooms and members there are.
func (h *Hub) Count() (rooms, members int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, room := range h.rooms {
		members += len(room)
	}
	return len(h.rooms), members
}

// Close removes all members and lets nobody in any more.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, room := range h.rooms {
		for member := range room {
			h.remove(member)
		}
	}
}

func (h *Hub) remove(member *Member) {
	room := h.rooms[member.Room]
	if _, here := room[member]; !here {
		return
	}
	delete(room, member)
	if len(room) == 0 {
		delete(h.rooms, member.Room)
	}
	close(member.queue)
}
