package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"example.com/bulletproof/websocket-gateway/internal/hub"
	"example.com/bulletproof/websocket-gateway/internal/presence"
)

func serve(t *testing.T, presenceURL string) (*Gateway, string, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	gateway := &Gateway{Hub: hub.New(), Presence: presence.NewReporter(presenceURL)}
	go gateway.Presence.Run(ctx)
	server := httptest.NewServer(gateway)
	t.Cleanup(func() { server.Close(); cancel() })
	return gateway, server.URL, ctx
}

func dial(t *testing.T, ctx context.Context, url, query string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(ctx, url+"?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

func TestTwoClientsTalk(t *testing.T) {
	_, url, ctx := serve(t, "")
	ann, ben := dial(t, ctx, url, "room=tea&user=ann"), dial(t, ctx, url, "room=tea&user=ben")
	if err := ann.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	var heard hub.Message
	if err := wsjson.Read(ctx, ben, &heard); err != nil {
		t.Fatal(err)
	}
	if heard.From != "ann" || heard.Text != "hello" || heard.Room != "tea" {
		t.Errorf("ben heard %+v", heard)
	}
}

func TestNamesAndOriginsAreChecked(t *testing.T) {
	_, url, ctx := serve(t, "")
	for query, want := range map[string]int{"room=tea": 400, "room=a/b&user=ann": 400, "room=tea&user=ann": 403} {
		_, answer, err := websocket.Dial(ctx, url+"?"+query, &websocket.DialOptions{
			HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}},
		})
		if err == nil || answer == nil || answer.StatusCode != want {
			t.Errorf("%s: %v, %v; want %d", query, answer, err, want)
		}
	}
}

func TestAFloodEndsTheConnection(t *testing.T) {
	_, url, ctx := serve(t, "")
	ann := dial(t, ctx, url, "room=tea&user=ann")
	for range burst * 3 {
		if ann.Write(ctx, websocket.MessageText, []byte("spam")) != nil {
			break
		}
	}
	_, _, err := ann.Read(ctx)
	if got := websocket.CloseStatus(err); got != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v: %v", got, err)
	}
}

func TestCloseSaysGoodbye(t *testing.T) {
	gateway, url, ctx := serve(t, "")
	ann := dial(t, ctx, url, "room=tea&user=ann")
	ended := make(chan error, 1)
	go func() {
		_, _, err := ann.Read(ctx)
		ended <- err
	}()
	if err := gateway.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client saw %v", err)
	}
}

func TestPresenceHearsOfArrivalAndLeave(t *testing.T) {
	reports := make(chan string, 4)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reports <- r.Method + " " + r.URL.Path + " " + string(body)
	}))
	defer service.Close()
	_, url, ctx := serve(t, service.URL)
	ann := dial(t, ctx, url, "room=tea&user=ann")
	if got := <-reports; !strings.HasPrefix(got, `PUT /presence/ann {"status":"online"`) {
		t.Errorf("on arrival: %s", got)
	}
	ann.Close(websocket.StatusNormalClosure, "")
	if got := <-reports; !strings.Contains(got, `"offline"`) {
		t.Errorf("on leave: %s", got)
	}
}
