package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with the tests in body and makes its folder the working directory.
func module(t *testing.T, body string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.org/m\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "m_test.go"), "package m\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nvar _ = os.Stat\n\n"+body)
	t.Chdir(dir)
	t.Setenv("GOWORK", "off")
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSecondTry(t *testing.T) {
	const (
		good   = "func TestGood(t *testing.T) { t.Run(\"sub\", func(*testing.T) {}) }\n"
		flaky  = "func TestFlaky(t *testing.T) {\n\tt.Run(\"sub\", func(t *testing.T) {\n\t\tif _, err := os.Stat(\"ran\"); err != nil {\n\t\t\tos.WriteFile(\"ran\", nil, 0o644)\n\t\t\tt.Error(\"too slow\")\n\t\t}\n\t})\n}\n"
		bad    = "func TestBad(t *testing.T) { t.Error(\"wrong\") }\n"
		panics = "func TestPanics(t *testing.T) {\n\tif _, err := os.Stat(\"ran\"); err != nil {\n\t\tos.WriteFile(\"ran\", nil, 0o644)\n\t\tpanic(\"at first\")\n\t}\n}\n"
	)
	many := ""
	for _, name := range []string{"A", "B", "C", "D"} {
		many += strings.NewReplacer("TestFlaky", "TestFlaky"+name, "\"ran\"", "\"ran"+name+"\"").Replace(flaky)
	}
	for name, c := range map[string]struct {
		body string
		want [3]int
		says string
	}{
		"a test that passes then":      {good + flaky, [3]int{4, 0, 0}, "FLAKY example.org/m TestFlaky failed, and passed at the second try"},
		"a test that fails always":     {good + bad, [3]int{2, 1, 0}, "wrong"},
		"more than can be an accident": {many, [3]int{0, 8, 0}, "too slow"},
		"a panic":                      {good + panics, [3]int{2, 1, 0}, "panic: at first"},
		"what does not build":          {"func TestGood(t *testing.T) {}\nfunc bad() { return 1 }\n", [3]int{0, 1, 0}, "too many return values"},
	} {
		t.Run(name, func(t *testing.T) {
			module(t, c.body)
			var out strings.Builder
			s := &summary{out: &out, results: make(map[string]result)}
			s.secondTry(s.group("-p 1 ./..."))
			if got := s.count(); got != c.want {
				t.Errorf("passed, failed, skipped: got %v, want %v", got, c.want)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("%q is missing in\n%s", c.says, out.String())
			}
		})
	}
}

func TestOneTryByDefault(t *testing.T) {
	module(t, "func TestBad(t *testing.T) { t.Error(\"wrong\") }\n")
	var out strings.Builder
	s := &summary{out: &out, results: make(map[string]result)}
	s.group("./...")
	if got := s.count(); got != [3]int{0, 1, 0} {
		t.Errorf("got %v", got)
	}
}
