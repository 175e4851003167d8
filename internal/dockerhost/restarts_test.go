package dockerhost

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// Containers that have exited or keep crashing are listed with their exit status and number of restarts.
func TestStoppedContainers(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "fine"))
	e.set(ended(runs(id("b"), "done")))
	e.start(t)
	registry := prometheus.NewRegistry()
	h, _ := newHost(t, e.endpoint())
	require.NoError(t, registry.Register(newRestarts(h)))
	run(t, h)
	wait(t, h, "connected", connected(h))
	stopped := h.Stopped()
	require.Len(t, stopped, 1)
	require.Equal(t, "exited", stopped[0].State)
	require.Equal(t, 1, stopped[0].ExitCode)
	require.Equal(t, time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC), stopped[0].Finished)
	require.Equal(t, "fine", names(h))

	e.happens(events.ActionDie, crashes(runs(id("a"), "fine"), 3))
	wait(t, h, "restarting", func() bool { return len(h.Stopped()) == 2 })
	require.Equal(t, "restarting", h.Stopped()[1].State)
	require.Equal(t, 7, h.Stopped()[1].ExitCode)
	again := runs(id("a"), "fine")
	again.RestartCount = 4
	e.happens(events.ActionStart, again)
	wait(t, h, "running", func() bool { return names(h) == "fine" })
	c, _ := h.ByID(id("a"))
	require.Equal(t, 7, c.ExitCode, "the engine forgets it when it starts the container again")
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP ausguck_dockerhost_container_restarts_total Times the Docker engine has restarted the container by its restart policy; starts at 0 when someone starts it.
# TYPE ausguck_dockerhost_container_restarts_total counter
ausguck_dockerhost_container_restarts_total{name="done"} 0
ausguck_dockerhost_container_restarts_total{name="fine"} 4
`), "ausguck_dockerhost_container_restarts_total"))

	e.mu.Lock()
	delete(e.containers, id("b"))
	e.mu.Unlock()
	e.tell(events.ContainerEventType, events.ActionDestroy, id("b"), nil)
	wait(t, h, "removed", func() bool { return len(h.Stopped()) == 0 })
}

// A machine with thousands of exited containers costs no more than one with a hundred.
func TestOnlyTheLatestStoppedContainersAreKept(t *testing.T) {
	known := map[string]Container{"r": {ID: "r", State: "running"}, "x": {ID: "x", State: "restarting"}}
	for i := range maxStopped + 20 {
		name := fmt.Sprint(i)
		known[name] = Container{ID: name, State: "exited", Created: time.Unix(int64(i), 0)}
	}
	forgetOldest(known)
	require.Len(t, known, maxStopped+2)
	require.NotContains(t, known, "19")
	require.Contains(t, known, "20")
	require.Contains(t, known, "x")
}
