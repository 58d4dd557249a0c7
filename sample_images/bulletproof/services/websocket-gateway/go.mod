module example.com/bulletproof/websocket-gateway

go 1.23.0

require (
	github.com/coder/websocket v1.8.15
	golang.org/x/time v0.11.0
)
