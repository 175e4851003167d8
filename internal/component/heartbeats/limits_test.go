package heartbeats

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimitsRefillAndStaySmall(t *testing.T) {
	now := noon
	l := newLimits(func() time.Time { return now })
	for range pingBurst {
		require.Zero(t, l.ping("job"))
	}
	require.Equal(t, time.Second, l.ping("job"))
	require.Equal(t, time.Second, l.ping("job"), "a refused one costs nothing")
	now = now.Add(time.Second)
	require.Zero(t, l.ping("job"))

	for range guessBurst {
		require.Zero(t, l.guess(nil, "a"))
	}
	h := &Heartbeat{Name: "job"}
	require.InDelta(t, 6, l.guess(nil, "a").Seconds(), 0.01)
	require.InDelta(t, 6, l.guess(h, "a").Seconds(), 0.01)
	now = now.Add(7 * time.Second)
	require.Zero(t, l.guess(h, "a"))
	require.Zero(t, l.guess(nil, "a"))
	require.Zero(t, l.guess(h, "never guessed"))

	for n := range 3 * maxKnown {
		l.remember("job", fmt.Sprint(n))
	}
	require.Len(t, l.known["job"], maxKnown)
}
