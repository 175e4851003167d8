package lifecycle_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/lifecycle"
)

// run starts the group and returns a function that stops it.
func run(t *testing.T, g *lifecycle.Group, settled func()) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, settled) }()
	return func() error {
		cancel()
		return <-done
	}
}

// flaky fails the given number of times, then works.
type flaky struct {
	failures int
	panics   bool
	starts   []time.Time
}

func (f *flaky) Run(ctx context.Context, ready func()) error {
	f.starts = append(f.starts, time.Now())
	if len(f.starts) <= f.failures {
		if f.panics {
			panic("index out of range")
		}
		return errors.New("not a directory")
	}
	ready()
	<-ctx.Done()
	return nil
}

func TestWhatIsKeptIsStartedAgain(t *testing.T) {
	for name, panics := range map[string]bool{"an error": false, "a panic": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				f := &flaky{failures: 4, panics: panics}
				g := newGroup()
				g.Keep("loki", f)
				g.Keep("promserver", j.part("promserver", 0))
				stop := run(t, g, func() { j.add("settled") })
				synctest.Wait()
				require.Equal(t, []string{"start promserver", "ready promserver", "settled"}, j.all(), "the others do not wait")
				s, _ := g.State("loki")
				require.Equal(t, lifecycle.Down, s.Phase)
				require.Equal(t, map[bool]string{false: "not a directory", true: "panic: index out of range"}[panics], s.Error)
				require.Equal(t, time.Second, time.Until(s.Retry))

				time.Sleep(time.Minute)
				synctest.Wait()
				s, _ = g.State("loki")
				require.Equal(t, lifecycle.Ready, s.Phase)
				require.Empty(t, s.Error)
				var pauses []time.Duration
				for i := 1; i < len(f.starts); i++ {
					pauses = append(pauses, f.starts[i].Sub(f.starts[i-1]))
				}
				require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, pauses)
				require.NoError(t, stop())
			})
		})
	}
}

func TestAStartThatSomebodyAsksForIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{failures: 1}
		g := newGroup()
		g.Keep("loki", f)
		stop := run(t, g, func() {})
		synctest.Wait()
		g.Retry()
		synctest.Wait()
		s, _ := g.State("loki")
		require.Equal(t, lifecycle.Ready, s.Phase)
		require.NoError(t, stop())
		s, _ = g.State("loki")
		require.Equal(t, lifecycle.Stopped, s.Phase)
	})
}

func TestPausesEndWhenItHasWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Time
		g := newGroup()
		g.Keep("loki", lifecycle.Func(func(_ context.Context, ready func()) error {
			starts = append(starts, time.Now())
			if len(starts) > 6 && len(starts) < 8 {
				ready()
				time.Sleep(2 * time.Minute)
			}
			return errors.New("no")
		}))
		stop := run(t, g, func() {})
		time.Sleep(5 * time.Minute)
		require.NoError(t, stop()) // from here on nothing else changes starts
		require.Equal(t, 32*time.Second, starts[6].Sub(starts[5]))
		require.Equal(t, 2*time.Minute+time.Second, starts[7].Sub(starts[6]))
	})
}

func TestPartsStartAfterThoseThatTheyNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := newGroup()
		g.Keep("store", j.part("store", 3*time.Second))
		g.Keep("other", j.part("other", time.Second))
		g.Keep("reader", j.part("reader", 0), "store", "not there")
		stop := run(t, g, func() { j.add("settled") })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.ElementsMatch(t, []string{"start store", "start other", "ready other"}, j.all())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"ready store", "start reader", "ready reader", "settled"}, j.all()[3:])
		require.NoError(t, stop())
		require.Equal(t, []string{"stop reader", "stop other", "stop store"}, j.all()[7:])
	})
}

func TestAPartThatTakesLongIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := newGroup()
		g.Keep("store", j.part("store", time.Hour))
		g.Keep("reader", j.part("reader", 0), "store")
		stop := run(t, g, func() { t.Error("not everything is settled") })
		time.Sleep(11 * time.Second)
		synctest.Wait()
		s, _ := g.State("reader")
		require.Equal(t, lifecycle.Ready, s.Phase)
		require.NoError(t, stop())
	})
}

func TestAStopBeforeItIsReadyIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup()
		g.Keep("auth", lifecycle.Func(func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			return errors.New("interrupted")
		}))
		g.Keep("store", lifecycle.Func(func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			return errors.New("no space left on device")
		}))
		stop := run(t, g, func() {})
		synctest.Wait()
		require.EqualError(t, stop(), "store: no space left on device")
	})
}

// Upstreams that send requests while they start may ignore a stop: S3, for example, is tried three times.
func TestAStartThatHangsIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		g := newGroup()
		g.Keep("storage", j.part("storage", 0))
		g.Keep("hung", lifecycle.Func(func(context.Context, func()) error {
			<-release
			return nil
		}))
		stop := run(t, g, func() {})
		synctest.Wait()
		require.NoError(t, stop())
		require.Contains(t, j.all(), "stop storage")
		close(release)
	})
}
