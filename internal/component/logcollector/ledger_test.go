package logcollector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A clock that was ahead once had every line refused until time caught up with it.
func TestNextTime(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		given, want time.Time
	}{
		"behind":            {now.Add(-time.Hour), now},
		"now":               {now, now.Add(1)},
		"a little ahead":    {now.Add(time.Minute), now.Add(time.Minute + 1)},
		"a clock was ahead": {now.Add(24 * time.Hour), now},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want.UnixNano(), nextTime(now, c.given.UnixNano()))
		})
	}
}
