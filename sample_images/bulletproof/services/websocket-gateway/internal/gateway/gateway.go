// Package gateway turns WebSocket connections into members of the hub's rooms.
package gateway

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"golang.org/x/time/rate"

	"example.com/bulletproof/websocket-gateway/internal/hub"
	"example.com/bulletproof/websocket-gateway/internal/presence"
)

const (
	maxMessage   = 4 << 10 // bytes
	perSecond    = 20      // messages of one connection
	burst        = 40
	writeTimeout = 5 * time.Second
	heartbeat    = 20 * time.Second
)

var name = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Gateway serves /ws?room=ROOM&user=USER. Text messages go to the others in the room, as JSON.
type Gateway struct {
	Hub      *hub.Hub
	Presence *presence.Reporter
	Origins  []string // further origins that browsers may come from; the gateway's own is always one
	open     sync.WaitGroup
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	room, user := r.URL.Query().Get("room"), r.URL.Query().Get("user")
	if !name.MatchString(room) || !name.MatchString(user) {
		http.Error(w, "room and user: 1 to 64 letters, digits, . _ -", http.StatusBadRequest)
		return
	}
	g.open.Add(1)
	defer g.open.Done()
	member, err := g.Hub.Join(room, user)
	if err != nil {
		http.Error(w, "going away", http.StatusServiceUnavailable)
		return
	}
	defer g.Hub.Leave(member)
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: g.Origins})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxMessage)
	g.Presence.Report(user, room, "online")
	defer g.Presence.Report(user, room, "offline")

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		defer cancel()
		g.read(ctx, conn, member)
	}()
	g.write(ctx, conn, member)
}

// read publishes what the client says, until it leaves or says too much.
func (g *Gateway) read(ctx context.Context, conn *websocket.Conn, member *hub.Member) {
	limit := rate.NewLimiter(perSecond, burst)
	for {
		kind, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if kind != websocket.MessageText {
			conn.Close(websocket.StatusUnsupportedData, "text only")
			return
		}
		if !limit.Allow() {
			conn.Close(websocket.StatusPolicyViolation, "too many messages")
			return
		}
		g.Hub.Publish(member, string(text), time.Now().UTC())
	}
}

// write sends what others say, and keeps the user's presence fresh.
func (g *Gateway) write(ctx context.Context, conn *websocket.Conn, member *hub.Member) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			g.Presence.Report(member.User, member.Room, "online")
		case message, open := <-member.Messages():
			if !open {
				conn.Close(websocket.StatusGoingAway, "the gateway closes, or you read too slowly")
				return
			}
			timed, cancel := context.WithTimeout(ctx, writeTimeout)
			err := wsjson.Write(timed, conn, message)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

// Close says goodbye to all clients and waits until they are gone or ctx ends. http.Server.Shutdown doesn't know them.
func (g *Gateway) Close(ctx context.Context) error {
	g.Hub.Close()
	gone := make(chan struct{})
	go func() {
		g.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
