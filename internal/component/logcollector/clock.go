package logcollector

import (
	"sync"
	"time"
)

// clockGrain is how far the times of files may be behind the clock.
const clockGrain = 10 * time.Millisecond

// clock is the machine's clock, which somebody may set. The times of files, of lines and in the ledger are its; how long
// something lasts is measured with time.Since alone.
type clock struct {
	says func() time.Time

	mtx      sync.Mutex
	last     time.Time // what it said last,
	measured time.Time // and when that was
	setBack  bool      // it was, since the ledger was written first that is known
	earliest time.Time // that it may have said since
}

func newClock() *clock { return &clock{says: time.Now} }

// now returns what the clock says.
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

// backTo returns the earliest time that the clock may have said since it was set back, if it was.
func (c *clock) backTo() (earliest time.Time, setBack bool) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	return c.earliest, c.setBack
}

// before is told of a time that the clock said before the process began.
func (c *clock) before(t time.Time) {
	now := c.now()
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if t.After(now.Add(clockGrain)) {
		c.wasSetBack(time.Time{}) // nobody knows how long it has gone on since
	}
}

// wasSetBack notes the earliest time that the clock may have said since then; c.mtx is held.
func (c *clock) wasSetBack(to time.Time) {
	if !c.setBack || to.Before(c.earliest) {
		c.setBack, c.earliest = true, to
	}
}

// since returns the earliest time that a file may have which was written after the clock said t.
func (c *clock) since(t time.Time) time.Time {
	c.now() // notices that it was set
	if earliest, setBack := c.backTo(); setBack && earliest.Before(t) {
		return earliest
	}
	return t
}
