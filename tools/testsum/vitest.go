package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// report is what Vitest's JSON reporter writes.
type report struct {
	Success     bool
	TestResults []struct {
		Name, Status, Message string
		StartTime, EndTime    float64 // milliseconds
		AssertionResults      []struct {
			FullName, Status string
			FailureMessages  []string
		}
	}
}

// vitest runs `npm test` in dir and counts from its report. What it prints is shown only when there is no report.
func (s *summary) vitest(dir string) error {
	temp, err := os.MkdirTemp("", "vitest-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	file := filepath.Join(temp, "report.json")
	cmd := exec.Command("npm", "test", "--silent", "--", "--reporter=json", "--outputFile="+file)
	cmd.Dir = dir
	output, runErr := cmd.CombinedOutput()
	content, err := os.ReadFile(file)
	var r report
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		s.failed++
		fmt.Fprintf(s.out, "%s", output)
		return errors.Join(runErr, err)
	}
	before := s.failed
	for _, f := range r.TestResults {
		name, relErr := filepath.Rel(absolute(dir), f.Name)
		if relErr != nil {
			name = f.Name
		}
		failedHere := false
		for _, a := range f.AssertionResults {
			switch a.Status {
			case "passed":
				s.passed++
			case "failed":
				s.failed++
				failedHere = true
				fmt.Fprintf(s.out, "FAIL %s %s\n%s\n", name, a.FullName, strings.Join(a.FailureMessages, "\n"))
			default:
				s.skipped++
				fmt.Fprintf(s.out, "SKIP %s %s\n", name, a.FullName)
			}
		}
		if f.Status == "failed" && !failedHere { // it could not be loaded
			s.failed++
			fmt.Fprintf(s.out, "FAIL %s\n%s\n", name, f.Message)
		}
		if took := time.Duration(f.EndTime-f.StartTime) * time.Millisecond; took >= slow {
			fmt.Fprintf(s.out, "ok   %s (%s)\n", name, took.Round(100*time.Millisecond))
		}
	}
	if (runErr != nil || !r.Success) && s.failed == before { // such as an error outside of any test
		s.failed++
		fmt.Fprintf(s.out, "%s", output)
		return runErr
	}
	return nil
}

func absolute(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	return abs
}
