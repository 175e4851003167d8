package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// event is a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
	FailedBuild                               string
	Key, Value                                string
}

// goRun is one `go test`. It keeps the output of tests that have not passed yet.
type goRun struct {
	*summary
	output   map[string]*strings.Builder // by package and test, or by build
	failedIn map[string][]string         // top-level tests by package
	hard     bool                        // a failure that a second attempt could only hide
}

// crash matches a line of a test binary that ends together with its tests, or whose memory cannot be trusted.
var crash = regexp.MustCompile(`^(panic: |fatal error: |WARNING: DATA RACE)`)

// goTest runs `go test` with args, which may begin with "in" and a folder.
func (s *summary) goTest(args []string) []failure {
	group, args := []string(nil), args
	if len(args) > 1 && args[0] == "in" {
		group, args = args[:2], args[2:]
	}
	name := "go test " + strings.Join(slices.Concat(group, args), " ")
	r := &goRun{summary: s, output: make(map[string]*strings.Builder), failedIn: make(map[string][]string)}
	before := s.count()[failed]
	if err := r.run(group, args); err != nil && s.count()[failed] <= before && len(r.failedIn) == 0 {
		s.whole(name, err)
		return nil
	}
	if r.hard {
		return nil
	}
	flags := slices.DeleteFunc(slices.Clone(args), isPackage)
	var failures []failure
	for pkg, tests := range r.failedIn {
		for _, test := range tests {
			failures = append(failures, failure{pkg + " " + test, func() []failure {
				return s.goTest(slices.Concat(group, flags, []string{"-count=1", "-run", "^" + test + "$", pkg}))
			}})
		}
	}
	return failures
}

// isPackage distinguishes packages from flags and their values.
func isPackage(arg string) bool {
	return !strings.HasPrefix(arg, "-") && strings.Contains(arg, "/")
}

func (r *goRun) run(group, args []string) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cgo := "CGO_ENABLED=0"
	if slices.Contains(args, "-race") {
		cgo = "CGO_ENABLED=1"
	}
	cmd.Env = append(os.Environ(), cgo)
	if len(group) == 2 {
		cmd.Dir, cmd.Env = group[1], append(cmd.Env, "GOWORK=off")
	}
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil && e.Action != "" {
			r.take(e)
		} else if len(line) > 0 {
			r.out.Write(line) // unknown format, but never hide it
		}
		if err != nil {
			break
		}
	}
	return cmd.Wait()
}

func (r *goRun) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "attr":
		if e.Key == "figure" {
			fmt.Fprintf(r.out, "     %s: %s\n", e.Test, e.Value)
		}
	case "output":
		r.hard = r.hard || crash.MatchString(e.Output)
		r.keep(key, e.Output)
	case "build-output":
		r.keep(e.ImportPath, e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			r.packageEnded(e)
			return
		}
		r.testEnded(e, key)
	}
}

func (r *goRun) testEnded(e event, key string) {
	output := r.drop(key)
	switch e.Action {
	case "pass":
		r.results[key] = passed
	case "skip":
		r.results[key] = skipped
		fmt.Fprintf(r.out, "SKIP %s\n%s", key, output)
	case "fail":
		r.results[key] = failed
		top, _, _ := strings.Cut(e.Test, "/")
		if !slices.Contains(r.failedIn[e.Package], top) {
			r.failedIn[e.Package] = append(r.failedIn[e.Package], top)
		}
		fmt.Fprintf(r.out, "FAIL %s (%.1fs)\n%s", key, e.Elapsed, output)
	}
}

// packageEnded prints one line for a package that failed or was slow.
func (r *goRun) packageEnded(e event) {
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(100 * time.Millisecond)
	if e.Action != "fail" {
		if took >= slow {
			fmt.Fprintf(r.out, "ok   %s (%s)\n", e.Package, took)
		}
		r.drop(e.Package + " ")
		return
	}
	fmt.Fprintf(r.out, "FAIL %s (%s)\n", e.Package, took)
	if len(r.failedIn[e.Package]) > 0 {
		return // the tests have reported the reason
	}
	// It did not build, or failed outside a test: a panic, TestMain, or the time limit.
	r.hard = true
	r.whole(e.Package, errors.New("it failed outside of its tests"))
	if e.FailedBuild != "" {
		fmt.Fprint(r.out, r.drop(e.FailedBuild))
	}
	for key := range r.output {
		if strings.HasPrefix(key, e.Package+" ") {
			fmt.Fprint(r.out, r.drop(key))
		}
	}
}

func (r *goRun) keep(key, text string) {
	if r.output[key] == nil {
		r.output[key] = &strings.Builder{}
	}
	r.output[key].WriteString(text)
}

func (r *goRun) drop(key string) string {
	b := r.output[key]
	delete(r.output, key)
	if b == nil {
		return ""
	}
	return b.String()
}
