// The truth of test_estimate.py: how many bytes Go's compress/gzip makes of stdin at its default level.
package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

type counter int64

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}

func main() {
	var size counter
	writer := gzip.NewWriter(&size)
	if _, err := io.Copy(writer, os.Stdin); err != nil {
		panic(err)
	}
	if err := writer.Close(); err != nil {
		panic(err)
	}
	fmt.Println(int64(size))
}
