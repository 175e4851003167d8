package instrument_test

import (
	"os"
	"strings"
	"testing"
)

// The examples in README.md are those in example_test.go, which the compiler checks.
func TestReadmeExamplesCompile(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) < 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(string(compiled), code) {
			t.Errorf("not in example_test.go:\n%s", code)
		}
	}
}
