// Command testsum runs `go test` once per argument, or Vitest in the folder that follows "npm", prints what failed
// with its output, which packages were slow, and what tests measured (`t.Attr("figure", …)`), and closes with one line that counts tests over all runs:
// "N passed, N failed". "in" and a folder before the arguments of `go test` run it in the module there.
//
//	testsum 'npm web' './internal/...' '-race ./internal/lifecycle' 'in codeagent ./...' '-p 1 ./test/...'
//
// CGO_ENABLED is 0 but for runs with -race, which need it. The exit code is 1 when anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// slow is the time above which a package that passed is named.
const slow = 10 * time.Second

// event is a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
	FailedBuild                               string
	Key, Value                                string
}

// summary counts, and keeps the output of what has not passed yet.
type summary struct {
	out                     io.Writer
	passed, failed, skipped int
	output                  map[string]*strings.Builder // by package and test, or by build
	failedIn                map[string]int              // by package
}

func main() {
	s := &summary{out: os.Stdout, output: make(map[string]*strings.Builder), failedIn: make(map[string]int)}
	for _, arg := range os.Args[1:] {
		if strings.TrimSpace(arg) == "" { // a group that the Makefile left out
			continue
		}
		if dir, ok := strings.CutPrefix(arg, "npm "); ok {
			if err := s.vitest(dir); err != nil {
				fmt.Fprintf(s.out, "FAIL npm test in %s: %v\n", dir, err)
			}
			continue
		}
		if err := s.run(strings.Fields(arg)); err != nil {
			fmt.Fprintf(s.out, "FAIL go test %s: %v\n", arg, err)
		}
	}
	fmt.Fprintf(s.out, "%d passed, %d failed", s.passed, s.failed)
	if s.skipped > 0 {
		fmt.Fprintf(s.out, ", %d skipped", s.skipped)
	}
	fmt.Fprintln(s.out)
	if s.failed > 0 || s.passed == 0 {
		os.Exit(1)
	}
}

// run executes one `go test`. It counts a failure when go test fails without naming a test or build.
func (s *summary) run(args []string) error {
	dir := ""
	if len(args) > 1 && args[0] == "in" {
		dir, args = args[1], args[2:]
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cgo := "CGO_ENABLED=0"
	if slices.Contains(args, "-race") {
		cgo = "CGO_ENABLED=1"
	}
	cmd.Env = append(os.Environ(), cgo)
	if dir != "" {
		cmd.Dir, cmd.Env = dir, append(cmd.Env, "GOWORK=off")
	}
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	before := s.failed
	if err := cmd.Start(); err != nil {
		s.failed++
		return err
	}
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil && e.Action != "" {
			s.take(e)
		} else if len(line) > 0 {
			s.out.Write(line) // not ours to understand, but never to swallow
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	if err != nil && s.failed == before {
		s.failed++
		return err
	}
	return nil
}

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "attr":
		if e.Key == "figure" {
			fmt.Fprintf(s.out, "     %s: %s\n", e.Test, e.Value)
		}
	case "output":
		s.keep(key, e.Output)
	case "build-output":
		s.keep(e.ImportPath, e.Output)
	case "pass", "skip":
		if e.Test == "" {
			s.packageEnded(e)
		} else if e.Action == "pass" {
			s.passed++
		} else {
			s.skipped++
			fmt.Fprintf(s.out, "SKIP %s\n%s", key, s.drop(key))
		}
		s.drop(key)
	case "fail":
		if e.Test == "" {
			s.packageEnded(e)
			return
		}
		s.failed++
		s.failedIn[e.Package]++
		fmt.Fprintf(s.out, "FAIL %s (%.1fs)\n%s", key, e.Elapsed, s.drop(key))
	}
}

// packageEnded prints one line for a package that failed or was slow.
func (s *summary) packageEnded(e event) {
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(100 * time.Millisecond)
	if e.Action != "fail" {
		if took >= slow {
			fmt.Fprintf(s.out, "ok   %s (%s)\n", e.Package, took)
		}
		return
	}
	fmt.Fprintf(s.out, "FAIL %s (%s)\n", e.Package, took)
	if s.failedIn[e.Package] > 0 {
		return // the tests have said why
	}
	// It did not build, or it ended outside a test: a panic, TestMain, the time limit.
	s.failed++
	if e.FailedBuild != "" {
		fmt.Fprint(s.out, s.drop(e.FailedBuild))
	}
	for key := range s.output {
		if strings.HasPrefix(key, e.Package+" ") {
			fmt.Fprint(s.out, s.drop(key))
		}
	}
}

func (s *summary) keep(key, text string) {
	if s.output[key] == nil {
		s.output[key] = &strings.Builder{}
	}
	s.output[key].WriteString(text)
}

func (s *summary) drop(key string) string {
	b := s.output[key]
	delete(s.output, key)
	if b == nil {
		return ""
	}
	return b.String()
}
