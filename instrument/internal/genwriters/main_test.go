package main

import (
	"bytes"
	"os"
	"testing"
)

func TestWritersAreCurrent(t *testing.T) {
	written, err := os.ReadFile("../../writers.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, source()) {
		t.Error("writers.go is not what genwriters writes: go generate")
	}
}
