package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// report is the output of Vitest's JSON reporter.
type report struct {
	Success     bool
	TestResults []fileReport
}

type fileReport struct {
	Name, Status, Message string
	StartTime, EndTime    float64 // milliseconds
	AssertionResults      []struct {
		FullName, Status string
		FailureMessages  []string
	}
}

// vitest runs `npm test` in dir, only for the given files if there are any, and counts the tests in its report. Its output is
// only shown if the report does not contain the reason for a failure.
func (s *summary) vitest(dir string, files ...string) []failure {
	whole := "npm test in " + dir
	r, output, err := runVitest(dir, files)
	if r == nil {
		fmt.Fprintf(s.out, "%s", output)
		s.whole(whole, err)
		return nil
	}
	var failures []failure
	for _, f := range r.TestResults {
		name := f.Name
		if abs, err := filepath.Abs(dir); err == nil {
			if rel, err := filepath.Rel(abs, f.Name); err == nil {
				name = rel
			}
		}
		if s.vitestFile(dir, name, f) {
			failures = append(failures, failure{dir + " " + name, func() []failure { return s.vitest(dir, f.Name) }})
		}
	}
	if (err != nil || !r.Success) && len(failures) == 0 { // such as an error outside any test
		fmt.Fprintf(s.out, "%s", output)
		s.whole(whole, err)
	}
	return failures
}

func runVitest(dir string, files []string) (*report, []byte, error) {
	temp, err := os.MkdirTemp("", "vitest-*")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(temp)
	file := filepath.Join(temp, "report.json")
	cmd := exec.Command("npm", slices.Concat([]string{"test", "--silent", "--", "--reporter=json", "--outputFile=" + file}, files)...)
	cmd.Dir = dir
	output, runErr := cmd.CombinedOutput()
	content, err := os.ReadFile(file)
	var r report
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return nil, output, errors.Join(runErr, err)
	}
	return &r, output, runErr
}

// vitestFile counts the tests of a file and reports whether any of them failed.
func (s *summary) vitestFile(dir, name string, f fileReport) bool {
	name = dir + " " + name
	delete(s.results, name)
	bad := false
	seen := make(map[string]int)
	for _, a := range f.AssertionResults {
		test := name + " " + a.FullName
		if seen[test]++; seen[test] > 1 {
			test = fmt.Sprintf("%s (%d)", test, seen[test])
		}
		switch a.Status {
		case "passed":
			s.results[test] = passed
		case "failed":
			s.results[test] = failed
			bad = true
			fmt.Fprintf(s.out, "FAIL %s\n%s\n", test, strings.Join(a.FailureMessages, "\n"))
		default:
			s.results[test] = skipped
			fmt.Fprintf(s.out, "SKIP %s\n", test)
		}
	}
	if f.Status == "failed" && !bad { // it could not be loaded
		s.results[name] = failed
		bad = true
		fmt.Fprintf(s.out, "FAIL %s\n%s\n", name, f.Message)
	}
	if took := time.Duration(f.EndTime-f.StartTime) * time.Millisecond; took >= slow {
		fmt.Fprintf(s.out, "ok   %s (%s)\n", name, took.Round(100*time.Millisecond))
	}
	return bad
}
