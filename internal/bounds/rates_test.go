package bounds

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRates(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	r := NewRates(0.5, 3)
	require.Zero(t, r.Wait("a", now))
	for range 3 {
		require.Zero(t, r.Take("a", now))
	}
	require.Equal(t, 2*time.Second, r.Take("a", now))
	require.Equal(t, 2*time.Second, r.Take("a", now), "a refused one costs nothing")
	require.InDelta(t, 2, r.Wait("a", now).Seconds(), 0.01)
	require.Zero(t, r.Take("b", now))
	require.Zero(t, r.Wait("a", now.Add(3*time.Second)))
	require.Zero(t, r.Take("a", now.Add(3*time.Second)))

	for n := range 3 * maxRates {
		r.Take(fmt.Sprint(n), now)
		if n%100 == 0 {
			r.Wait("a", now)
		}
	}
	require.LessOrEqual(t, len(r.newer)+len(r.older), maxRates)
	require.Positive(t, r.Take("a", now.Add(3*time.Second)), "a client that is still asking is not forgotten")
}
