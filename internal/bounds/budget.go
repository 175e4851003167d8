package bounds

import (
	"context"
	"math"
	"runtime/debug"
	"sync"
	"time"
)

// patience is how long a request waits while others are being decoded.
const patience = 5 * time.Second

// budget is the memory that all requests together may use while they are decoded.
type budget struct {
	mtx   sync.Mutex
	left  int64
	total int64
	freed chan struct{} // closed and replaced when memory is released
}

func newBudget(total int64) *budget {
	return &budget{left: total, total: total, freed: make(chan struct{})}
}

// defaultMemory returns an eighth of the runtime's memory limit, or 1 GiB without a limit: the rest is for stored data and for
// queries.
func defaultMemory() int64 {
	of := debug.SetMemoryLimit(-1)
	if of == math.MaxInt64 {
		return 1 << 30
	}
	return min(max(of/8, 64<<20), 1<<30)
}

// take waits until n bytes are free and takes them. It returns false if that takes too long.
func (b *budget) take(ctx context.Context, n int64) bool {
	var late <-chan time.Time
	for {
		b.mtx.Lock()
		if n <= b.left {
			b.left -= n
			b.mtx.Unlock()
			return true
		}
		freed := b.freed
		b.mtx.Unlock()
		if late == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-freed:
		case <-late:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (b *budget) give(n int64) {
	if n == 0 {
		return
	}
	b.mtx.Lock()
	defer b.mtx.Unlock()
	b.left += n
	close(b.freed)
	b.freed = make(chan struct{})
}
