// Opens a PostgreSQL database by lib/pq; built to see whether that driver needs cgo.
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/lib/pq"
)

func main() {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err == nil {
		err = db.Ping()
	}
	fmt.Println("database:", err)
}
