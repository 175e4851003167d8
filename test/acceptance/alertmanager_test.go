package acceptance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// suiteTimeout bounds one run of upstream's tests, the longest of which waits 28 seconds.
	suiteTimeout = 5 * time.Minute
	// tries is how often a test may run: on a busy machine, its half seconds elapse regardless of what the program
	// does.
	tries = 3
)

// The acceptance tests of the embedded Alertmanager, those of its API and those of amtool, pass against ours and
// also against the stock program, so that a failure is meaningful for ours.
func TestAlertmanager(t *testing.T) {
	for _, suite := range []string{"api", "cli"} {
		for _, program := range []string{"stock", "ausguck"} {
			t.Run(suite+"/"+program, func(t *testing.T) {
				t.Parallel()
				runSuite(t, suite, program)
			})
		}
	}
}

// runSuite runs each test of a suite, and reruns those that failed on their own.
func runSuite(t *testing.T, suite, program string) {
	t.Helper()
	binary := built(t, "../../bin/stock/alertmanager-"+suite+".test")
	dir := workplace(t, program)
	names := strings.Fields(run(t, binary, dir, "-test.list=^Test"))
	require.Greater(t, len(names), 5, "upstream has more tests than that")

	outputs := results(run(t, binary, dir, "-test.v", "-test.parallel=8"))
	passed, atOnce := 0, 0
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			result := outputs[name]
			if result.passed {
				atOnce++
			}
			for n := 1; n < tries && !result.passed; n++ {
				t.Logf("failed, once more:\n%s", result.output)
				result = results(run(t, binary, dir, "-test.v", "-test.run=^"+name+"$"))[name]
			}
			require.True(t, result.passed, result.output)
			passed++
		})
	}
	t.Attr("figure", fmt.Sprintf("%d of %d of upstream's tests pass, %d at the first try with 8 in parallel", passed, len(names), atOnce))
}

// workplace creates the folders in which upstream's tests look for their programs.
func workplace(t *testing.T, program string) string {
	t.Helper()
	root := t.TempDir()
	programs := map[string]string{"amtool": "../../bin/stock/amtool", "alertmanager": "../../bin/stock/alertmanager"}
	if program == "ausguck" {
		programs["alertmanager"] = "testdata/alertmanager.sh"
	}
	for name, path := range programs {
		require.NoError(t, os.Symlink(built(t, path), filepath.Join(root, name)))
	}
	dir := filepath.Join(root, "test/suite/acceptance")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return dir
}

func built(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	require.FileExists(t, path, "build it first, in the root of the repository: make build stock")
	return path
}

// run returns the output of upstream's tests; whether some of them failed is determined from it.
func run(t *testing.T, binary, dir string, flags ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, flags...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AUSGUCK_BINARY="+built(t, "../../bin/ausguck"), "TMPDIR="+t.TempDir())
	output, err := cmd.CombinedOutput()
	require.NoError(t, ctx.Err(), "%s", output)
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return string(output)
}

// result is the result of one of upstream's tests.
type result struct {
	passed bool
	output string
}

var (
	verdict = regexp.MustCompile(`(?m)^--- (PASS|FAIL): (\w+) `)
	// speaker matches the line that precedes the output of a test that runs in parallel with others.
	speaker = regexp.MustCompile(`^=== \w+ +(\w+)$`)
)

// results parses the output of `go test -v`: which tests passed, and what each one printed.
func results(output string) map[string]result {
	said := map[string]*strings.Builder{}
	name := ""
	for line := range strings.Lines(output) {
		if match := speaker.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
			name = match[1]
			continue
		}
		if said[name] == nil {
			said[name] = &strings.Builder{}
		}
		if said[name].Len() < 20<<10 {
			said[name].WriteString(line)
		}
	}
	all := map[string]result{}
	for _, match := range verdict.FindAllStringSubmatch(output, -1) {
		r := result{passed: match[1] == "PASS"}
		if said[match[2]] != nil {
			r.output = said[match[2]].String()
		}
		all[match[2]] = r
	}
	return all
}
