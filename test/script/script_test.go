// Package script_test runs the command line of the real binary: its output and its exit codes.
package script_test

import (
	"os"
	"path/filepath"
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
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
			return nil
		},
		RequireExplicitExec: true,
		ContinueOnError:     true,
	})
}
