// Package script_test runs the command line of the real binary: its output and its exit codes.
package script_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

func TestScripts(t *testing.T) {
	binary := os.Getenv("AUSGUCK_BINARY")
	if binary == "" {
		binary = "../../bin/ausguck"
	}
	binary, err := filepath.Abs(binary)
	require.NoError(t, err)
	require.FileExists(t, binary, "run `make build` first")
	releases := httptest.NewServer(http.HandlerFunc(serveRelease))
	t.Cleanup(releases.Close)
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
			env.Setenv("RELEASES", releases.URL)
			return nil
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		RequireExplicitExec: true,
		ContinueOnError:     true,
	})
}

// exits runs a program and requires an exit code, which exec does not tell: exits CODE PROGRAM ARGS.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// serveRelease responds as the API of a forge does, and otherwise.
func serveRelease(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/newer":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"tag_name": "v999.1.0", "html_url": "https://forge.example/ausguck/releases/v999.1.0", "published_at": "2026-11-20T10:00:00Z"}`)
	case "/older":
		_, _ = io.WriteString(w, "0.0.1\n")
	case "/page":
		_, _ = io.WriteString(w, "<html>")
	case "/moved":
		http.Redirect(w, r, "ftp://forge.example/", http.StatusFound)
	default:
		http.NotFound(w, r)
	}
}
