package logcollector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A file may have any time that the clock has shown since a look; the range is larger if the clock was set back.
func TestClock(t *testing.T) {
	for name, test := range map[string]struct {
		set  time.Duration
		want time.Duration // at most this long before the look
	}{
		"goes on":     {0, 0},
		"is ahead":    {time.Hour, 0},
		"is set back": {-time.Hour, time.Hour + clockGrain},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var set time.Duration
				c := newClock()
				c.says = func() time.Time { return time.Now().Add(set) }
				looked := c.now()
				set = test.set
				time.Sleep(time.Minute)
				require.Equal(t, looked.Add(-test.want), c.since(looked))
				after := c.now()
				time.Sleep(time.Minute)
				require.False(t, c.since(after).After(after))
			})
		})
	}
}

// A time recorded by the previous process that the clock has not reached yet means that it was set back, and for how
// long is unknown.
func TestClockThatWasSetBackBefore(t *testing.T) {
	c := newClock()
	c.before(time.Now().Add(-time.Hour))
	_, setBack := c.backTo()
	require.False(t, setBack)
	c.before(time.Now().Add(time.Hour))
	require.True(t, c.since(time.Now()).IsZero())
}
