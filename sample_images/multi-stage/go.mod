module example.com/linktitle

go 1.25.0

require (
	github.com/go-chi/chi/v5 v5.2.3
	golang.org/x/net v0.45.0
)
