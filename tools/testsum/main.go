// Command testsum runs `go test` once per argument, or Vitest in the folder that follows "npm". It prints failures with their
// output, slow packages, and figures measured by tests (`t.Attr("figure", …)`), and ends with one line that counts the tests of
// all runs: "N passed, N failed". "in" and a folder before the arguments of `go test` run it in the module there.
//
//	testsum 'npm web' './internal/...' '-race ./internal/lifecycle' 'in codeagent ./...' 'twice -p 1 ./test/...'
//
// A leading "twice" gives a failed test a second attempt, alone, after its group has ended. It is for tests whose real programs
// depend on the clock of a shared machine. A test that then passes is printed as FLAKY and counts as passed. More than
// [mostFlaky] failures, a panic, a data race and code that does not build are not accidental and get no second attempt.
//
// CGO_ENABLED is 0 except for runs with -race, which need cgo. The exit code is 1 if anything failed.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	// slow is the duration above which a passed package is listed.
	slow = 10 * time.Second
	// mostFlaky is how many tests of one call get a second attempt.
	mostFlaky = 3
)

type result int

const (
	passed result = iota
	failed
	skipped
)

// summary has the last result of each test in all groups, by a name that is unique among them.
type summary struct {
	out     io.Writer
	results map[string]result
	retried int
}

// failure is a failed test, or file of tests, that can be run again.
type failure struct {
	name  string
	again func() []failure
}

func main() {
	s := &summary{out: os.Stdout, results: make(map[string]result)}
	for _, arg := range os.Args[1:] {
		arg, twice := strings.CutPrefix(strings.TrimSpace(arg), "twice ")
		if arg == "" { // a group that the Makefile omitted
			continue
		}
		failures := s.group(arg)
		if twice {
			s.secondTry(failures)
		}
	}
	n := s.count()
	fmt.Fprintf(s.out, "%d passed, %d failed", n[passed], n[failed])
	if n[skipped] > 0 {
		fmt.Fprintf(s.out, ", %d skipped", n[skipped])
	}
	fmt.Fprintln(s.out)
	if n[failed] > 0 || n[passed] == 0 {
		os.Exit(1)
	}
}

func (s *summary) group(arg string) []failure {
	if dir, ok := strings.CutPrefix(arg, "npm "); ok {
		return s.vitest(dir)
	}
	return s.goTest(strings.Fields(arg))
}

func (s *summary) secondTry(failures []failure) {
	if s.retried+len(failures) > mostFlaky {
		return
	}
	s.retried += len(failures)
	for _, f := range failures {
		fmt.Fprintf(s.out, "     %s: second try\n", f.name)
		if len(f.again()) == 0 && !s.anyFailed(f.name) {
			fmt.Fprintf(s.out, "FLAKY %s failed, and passed at the second try\n", f.name)
		}
	}
}

func (s *summary) count() [3]int {
	var n [3]int
	for _, r := range s.results {
		n[r]++
	}
	return n
}

// anyFailed reports whether a test whose name begins with prefix has failed.
func (s *summary) anyFailed(prefix string) bool {
	for name, r := range s.results {
		if r == failed && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// whole records that a run failed outside any test.
func (s *summary) whole(name string, err error) {
	s.results[name] = failed
	fmt.Fprintf(s.out, "FAIL %s: %v\n", name, err)
}
