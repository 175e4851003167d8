package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/lifecycle"
)

// journal records the order of events in several goroutines.
type journal struct {
	mtx   sync.Mutex
	lines []string
}

func (j *journal) add(s string) {
	j.mtx.Lock()
	defer j.mtx.Unlock()
	j.lines = append(j.lines, s)
}

func (j *journal) all() []string {
	j.mtx.Lock()
	defer j.mtx.Unlock()
	return slices.Clone(j.lines)
}

// part returns a component that is ready after delay and stops on request.
func (j *journal) part(name string, delay time.Duration) lifecycle.Component {
	return lifecycle.Func(func(ctx context.Context, ready func()) error {
		j.add("start " + name)
		select {
		case <-time.After(delay):
			j.add("ready " + name)
			ready()
		case <-ctx.Done():
		}
		<-ctx.Done()
		j.add("stop " + name)
		return nil
	})
}

func newGroup() *lifecycle.Group {
	return lifecycle.NewGroup(slog.New(slog.DiscardHandler), 5*time.Second)
}

func TestGroupStartsInOrderAndStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := newGroup()
		g.Add("storage", j.part("storage", 2*time.Second))
		g.Add("rules", j.part("rules", time.Second))

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx, func() { j.add("all ready") }) }()

		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"start storage"}, j.all(), "the second part waits for the first")
		require.Equal(t, lifecycle.Starting, g.States()[0].Phase)
		require.Equal(t, lifecycle.Waiting, g.States()[1].Phase)

		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.Equal(t, lifecycle.Ready, g.States()[1].Phase)
		cancel()
		require.NoError(t, <-done)
		require.Equal(t, []string{
			"start storage", "ready storage", "start rules", "ready rules", "all ready", "stop rules", "stop storage",
		}, j.all())
		require.Equal(t, lifecycle.Stopped, g.States()[0].Phase)
	})
}

func TestGroupStopsAllWhenOneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := newGroup()
		g.Add("storage", j.part("storage", 0))
		g.Add("rules", lifecycle.Func(func(_ context.Context, ready func()) error {
			ready()
			time.Sleep(time.Second)
			return errors.New("no space left on device")
		}))
		err := g.Run(t.Context(), func() {})
		require.EqualError(t, err, "rules: no space left on device")
		require.Contains(t, j.all(), "stop storage")
		require.Equal(t, lifecycle.Failed, g.States()[1].Phase)
		require.Equal(t, "no space left on device", g.States()[1].Error)
	})
}

func TestGroupReportsAPartThatEndsUnasked(t *testing.T) {
	g := newGroup()
	g.Add("scrape", lifecycle.Func(func(context.Context, func()) error { return nil }))
	require.EqualError(t, g.Run(t.Context(), func() {}), "scrape: stopped unexpectedly")
}

func TestGroupGoesOnWithoutAPartThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		g := newGroup()
		g.Add("storage", j.part("storage", 0))
		g.Add("hung", lifecycle.Func(func(_ context.Context, ready func()) error {
			ready()
			<-release
			return nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx, cancel) }()
		require.EqualError(t, <-done, "hung: did not stop within 5s")
		require.Contains(t, j.all(), "stop storage", "a part that hangs must not keep the others from stopping")
		close(release)
	})
}

func TestGroupStoppedWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := newGroup()
		g.Add("storage", j.part("storage", time.Hour))
		g.Add("rules", j.part("rules", 0))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, g.Run(ctx, func() { t.Error("must not become ready") }))
		require.Equal(t, []string{"start storage", "stop storage"}, j.all())
	})
}
