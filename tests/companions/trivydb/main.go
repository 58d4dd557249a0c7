// Writes a vulnerability database as trivy reads it (schema 2): a bbolt file of nested buckets with JSON values.
//
// usage: trivydb FILE < ENTRIES, where each line of ENTRIES is {"buckets": [...], "key": "...", "value": {...}}
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"go.etcd.io/bbolt"
)

type entry struct {
	Buckets []string        `json:"buckets"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
}

func put(tx *bbolt.Tx, one entry) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(one.Buckets[0]))
	for _, name := range one.Buckets[1:] {
		if err != nil {
			return err
		}
		bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return err
	}
	return bucket.Put([]byte(one.Key), one.Value)
}

func main() {
	db, err := bbolt.Open(os.Args[1], 0o600, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		lines := json.NewDecoder(os.Stdin)
		for {
			var one entry
			if err := lines.Decode(&one); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := put(tx, one); err != nil {
				return err
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Close(); err != nil {
		log.Fatal(err)
	}
}
