package logcollector

import (
	"sync"
	"time"
)

// clockGrain is how far file times may be behind the clock.
const clockGrain = 10 * time.Millisecond

// clock is the machine's clock, which may be set at any time. The times of files, of lines and in the ledger come from
// it; durations are measured only with time.Since.
type clock struct {
	says func() time.Time

	mtx      sync.Mutex
	last     time.Time // what it returned last,
	measured time.Time // and when that was
	setBack  bool      // whether it was set back since the oldest known ledger was first written
	earliest time.Time // the earliest time that it may have shown since
}

func newClock() *clock { return &clock{says: time.Now} }

// now returns the time of the clock.
func (c *clock) now() time.Time {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	now, passed := c.says().Round(0), time.Since(c.measured)
	if !c.measured.IsZero() && now.Before(c.last.Add(passed-clockGrain)) {
		c.wasSetBack(now.Add(-passed - clockGrain))
	}
	c.last, c.measured = now, time.Now()
	return now
}

// backTo returns the earliest time that the clock may have shown since it was set back, and whether it was.
func (c *clock) backTo() (earliest time.Time, setBack bool) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	return c.earliest, c.setBack
}

// before takes a time that the clock showed before the process began.
func (c *clock) before(t time.Time) {
	now := c.now()
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if t.After(now.Add(clockGrain)) {
		c.wasSetBack(time.Time{}) // how long it has run since is unknown
	}
}

// wasSetBack records the earliest time that the clock may have shown since then; c.mtx is held.
func (c *clock) wasSetBack(to time.Time) {
	if !c.setBack || to.Before(c.earliest) {
		c.setBack, c.earliest = true, to
	}
}

// since returns the earliest time that a file may have if it was written after the clock showed t.
func (c *clock) since(t time.Time) time.Time {
	c.now() // detects that the clock was set
	if earliest, setBack := c.backTo(); setBack && earliest.Before(t) {
		return earliest
	}
	return t
}
