package docker_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asked is an engine behind a proxy that counts its requests.
type asked struct {
	engine

	mtx   sync.Mutex
	calls map[string]int
}

var inPaths = regexp.MustCompile(`^/v[0-9.]+|[0-9a-f]{64}`)

// countCalls returns the engine behind a proxy that counts.
func countCalls(t *testing.T, e *engine) *asked {
	t.Helper()
	a := &asked{calls: map[string]int{}}
	proxy := e.proxy()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mtx.Lock()
		a.calls[r.Method+" "+inPaths.ReplaceAllString(r.URL.Path, "")]++
		a.mtx.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	a.endpoint = "tcp://" + server.Listener.Addr().String()
	return a
}

// take returns the calls since it was last called, and their total number.
func (a *asked) take() (calls map[string]int, sum int) {
	a.mtx.Lock()
	defer a.mtx.Unlock()
	calls, a.calls = a.calls, map[string]int{}
	for _, n := range calls {
		sum += n
	}
	return calls, sum
}

// Forty containers that start at the same time, forty that are removed when they end, and ten one-shot services of one
// docker-compose up: each prints 50 lines at once and exits, the removed ones after a second, and each line is stored
// once. When all have ended, the engine receives hardly any requests.
func TestShortContainers(t *testing.T) {
	const lines, many = 50, 40
	counted := countCalls(t, docker)
	a := startAusguck(t, &counted.engine, "")
	want := map[string]int{}
	for _, kind := range []service{
		{name: "ausguck-many", networkMode: "none", env: []string{fmt.Sprintf("LOG_LINES=%d", lines)}},
		{name: "ausguck-removed", networkMode: "none", env: []string{fmt.Sprintf("LOG_LINES=%d", lines), "LOG_LASTS=1000"}, removed: true},
	} {
		var starting sync.WaitGroup
		failed := make(chan error, many)
		for i := range many {
			s := kind
			s.name = fmt.Sprintf("%s-%d", kind.name, i)
			want[s.name] = lines
			starting.Go(func() {
				id, err := docker.run(t.Context(), s)
				failed <- err
				t.Cleanup(func() { remove(t, docker, id) })
			})
		}
		starting.Wait()
		for range many {
			require.NoError(t, <-failed)
		}
		checkCounts(t, a, want)
	}
	composeOneShots(t, lines, want)
	checkCounts(t, a, want)

	counted.take()
	<-time.After(time.Minute)
	calls, sum := counted.take()
	t.Attr("figure", fmt.Sprintf("%d calls a minute to an idle Docker engine with 50 containers that have ended", sum))
	t.Logf("%v", calls)
	require.Less(t, sum, 60)
	checkCounts(t, a, want)
}

// checkCounts requires that each container has as many lines as it wrote.
func checkCounts(t *testing.T, a *ausguck, want map[string]int) {
	t.Helper()
	within(t, 90*time.Second, "all lines", func() error {
		counts, err := a.lineCounts()
		if err == nil && !maps.Equal(counts, want) {
			missing := maps.Clone(want)
			maps.DeleteFunc(missing, func(name string, n int) bool { return counts[name] == n })
			for name := range missing {
				missing[name] = counts[name]
			}
			err = fmt.Errorf("%d of %d containers have other counts: %v", len(missing), len(want), missing)
		}
		return err
	})
}

// composeOneShots brings up ten services that exit immediately.
func composeOneShots(t *testing.T, lines int, want map[string]int) {
	t.Helper()
	dir := t.TempDir()
	file := "services:\n"
	for i := range 10 {
		name := fmt.Sprintf("ausguck-shot-%d", i)
		want[name] = lines
		file += fmt.Sprintf("  shot%d: {image: %s, container_name: %s, network_mode: none, environment: {LOG_LINES: %d}, labels: {%s: container}}\n", i, image, name, lines, ownsLabel)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker-compose.yml"), []byte(file), 0o644))
	compose := func(ctx context.Context, args ...string) error {
		cmd := exec.CommandContext(ctx, "docker-compose", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "DOCKER_HOST="+docker.endpoint, "COMPOSE_PROJECT_NAME=shots")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("docker-compose %v: %w\n%s", args, err, out)
		}
		return nil
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := compose(ctx, "down"); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, compose(t.Context(), "up", "-d"))
}
