// Package queue stores entries on disk until they are done: what Put has accepted survives kill -9 and, because it is synced
// first, a power failure. It limits the number of entries and their bytes, and rejects keys that it has seen.
package queue

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Errors of Put.
var (
	ErrFull      = errors.New("queue is full")
	ErrDuplicate = errors.New("entry was accepted before")
	ErrClosed    = errors.New("queue is closed")
)

// Options configure a [Queue].
type Options struct {
	Dir        string // created if it does not exist; only one process at a time
	MaxEntries int    // waiting entries; default 10,000
	MaxBytes   int64  // bytes of waiting payloads; default 64 MiB
	MaxSeen    int    // remembered keys; default 100,000
	Segment    int64  // size at which a new file begins; default 16 MiB
	Logger     *slog.Logger
}

// Key identifies an entry.
type Key [16]byte

// KeyOf returns the key for parts that together identify an entry.
func KeyOf(parts ...string) (k Key) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	copy(k[:], h.Sum(nil))
	return k
}

// String returns the key as 32 hexadecimal digits.
func (k Key) String() string { return fmt.Sprintf("%x", k[:]) }

// Entry is one waiting payload. Its fields must not be modified.
type Entry struct {
	Key      Key
	Payload  []byte
	Accepted time.Time
	Restored bool // read from disk at the start: it may have been processed before

	segment *segment
	batch   *batch // until it is written to disk
}

// Queue is a durable queue. Its methods are safe for concurrent use.
type Queue struct {
	o       Options
	mu      sync.Mutex
	entries map[Key]*Entry // accepted and not done
	ready   []*Entry       // ready to be taken
	bytes   int64
	seen    map[Key]struct{}
	order   []Key // of seen, oldest first
	next    *batch
	closed  bool

	wake    chan struct{} // something is ready
	work    chan struct{} // next has records
	stopped chan struct{}
	log     *journal // only the committing goroutine writes
}

// batch is written to disk in one write.
type batch struct {
	records []record
	entries []*Entry
	written chan struct{} // closed when err is final
	err     error
}

func newBatch() *batch { return &batch{written: make(chan struct{})} }

// Open reads the entries in the folder and starts the queue. Close ends it.
func Open(o Options) (*Queue, error) {
	if o.MaxEntries <= 0 {
		o.MaxEntries = 10_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 20
	}
	if o.MaxSeen <= 0 {
		o.MaxSeen = 100_000
	}
	if o.Segment <= 0 {
		o.Segment = 16 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of queue: %w", err)
	}
	q := &Queue{
		o: o, entries: make(map[Key]*Entry), seen: make(map[Key]struct{}), next: newBatch(),
		wake: make(chan struct{}, 1), work: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	var err error
	if q.log, err = openJournal(o, q.restore); err != nil {
		return nil, err
	}
	for _, key := range q.order { // in their original order
		if e := q.entries[key]; e != nil {
			q.ready = append(q.ready, e)
		}
	}
	if err := q.log.rotate(q.order); err != nil {
		return nil, errors.Join(err, q.log.close())
	}
	q.signal()
	go q.commit()
	return q, nil
}

// restore applies a record that was read from disk.
func (q *Queue) restore(r record, in *segment) {
	switch r.kind {
	case recordAccept:
		if q.entries[r.key] != nil {
			return
		}
		q.entries[r.key] = &Entry{Key: r.key, Payload: r.payload, Accepted: time.UnixMilli(r.at), Restored: true, segment: in}
		q.bytes += int64(len(r.payload))
		in.open++
		q.remember(r.key)
	case recordDone:
		if e := q.entries[r.key]; e != nil {
			q.drop(e)
		}
	case recordSeen:
		for i := 0; i+len(Key{}) <= len(r.payload); i += len(Key{}) {
			q.remember(Key(r.payload[i:]))
		}
	}
}

// remember stores the key so that a replay is rejected. The caller holds mu, or has exclusive access.
func (q *Queue) remember(k Key) {
	if _, ok := q.seen[k]; ok {
		return
	}
	q.seen[k] = struct{}{}
	q.order = append(q.order, k)
	for len(q.order) > q.o.MaxSeen+q.o.MaxEntries { // keys of waiting entries are never removed
		oldest := q.order[0]
		q.order = q.order[1:]
		if q.entries[oldest] != nil {
			q.order = append(q.order, oldest)
			continue
		}
		delete(q.seen, oldest)
	}
}

func (q *Queue) drop(e *Entry) {
	delete(q.entries, e.Key)
	q.bytes -= int64(len(e.Payload))
	e.segment.open--
}

// Put returns nil once the entry is on disk. After ErrDuplicate, the earlier entry is on disk. Any other error means that nothing
// was accepted, except for the end of ctx, after which the entry may have been accepted.
func (q *Queue) Put(ctx context.Context, key Key, payload []byte) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	result, into := ErrDuplicate, (*batch)(nil)
	if _, ok := q.seen[key]; ok {
		if e := q.entries[key]; e != nil {
			into = e.batch
		}
	} else {
		if len(q.entries) >= q.o.MaxEntries || q.bytes+int64(len(payload)) > q.o.MaxBytes {
			q.mu.Unlock()
			return ErrFull
		}
		e := &Entry{Key: key, Payload: payload, Accepted: time.Now(), batch: q.next}
		q.next.entries = append(q.next.entries, e)
		q.next.records = append(q.next.records, record{kind: recordAccept, key: key, at: e.Accepted.UnixMilli(), payload: payload})
		q.entries[key] = e
		q.bytes += int64(len(payload))
		q.remember(key)
		result, into = nil, q.next
	}
	q.mu.Unlock()
	if into == nil {
		return result
	}
	poke(q.work)
	select {
	case <-into.written:
		if into.err != nil {
			return into.err
		}
		return result
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Take returns the oldest entry that has not been taken. It waits if there is none.
func (q *Queue) Take(ctx context.Context) (*Entry, error) {
	for {
		q.mu.Lock()
		if len(q.ready) > 0 {
			e := q.ready[0]
			q.ready[0] = nil
			q.ready = q.ready[1:]
			if len(q.ready) > 0 {
				q.signal()
			}
			q.mu.Unlock()
			return e, nil
		}
		q.mu.Unlock()
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Done removes a taken entry. If the process dies immediately afterwards, the entry may appear again after the next start.
func (q *Queue) Done(e *Entry) {
	q.mu.Lock()
	if q.entries[e.Key] == e {
		q.drop(e)
		q.next.records = append(q.next.records, record{kind: recordDone, key: e.Key, at: time.Now().UnixMilli()})
	}
	q.mu.Unlock()
	poke(q.work)
}

// Stats returns the number of entries that are waiting or being processed, their bytes, and when the oldest was accepted.
func (q *Queue) Stats() (entries int, bytes int64, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.entries {
		if oldest.IsZero() || e.Accepted.Before(oldest) {
			oldest = e.Accepted
		}
	}
	return len(q.entries), q.bytes, oldest
}

// Close completes pending writes and closes the files. Entries that are not done appear again after the next start.
func (q *Queue) Close() error {
	q.mu.Lock()
	already := q.closed
	q.closed = true
	q.mu.Unlock()
	if already {
		<-q.stopped
		return nil
	}
	poke(q.work)
	<-q.stopped
	return q.log.close()
}

func (q *Queue) signal() { poke(q.wake) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// commit writes batches; each contains everything that arrived while the previous one was written.
func (q *Queue) commit() {
	defer close(q.stopped)
	for range q.work {
		q.mu.Lock()
		b, closed := q.next, q.closed
		q.next = newBatch()
		var keys []Key
		if q.log.full() {
			keys = append(keys, q.order...)
		}
		q.mu.Unlock()
		var err error
		if len(b.records) > 0 {
			if keys != nil {
				if err := q.log.rotate(keys); err != nil { // the old file remains in use
					q.o.Logger.Warn("Cannot create a new queue file", "err", err)
				}
			}
			err = q.log.write(b.records, len(b.entries) > 0)
			q.finish(b, err)
		}
		q.mu.Lock()
		q.log.removeDone()
		more := len(q.next.records) > 0
		q.mu.Unlock()
		switch {
		case more && err == nil: // after an error, the next Put or Done tries again
			poke(q.work)
		case closed:
			return
		}
	}
}

// finish notifies those who wait for the batch.
func (q *Queue) finish(b *batch, err error) {
	q.mu.Lock()
	for _, e := range b.entries {
		e.batch = nil
		if err != nil {
			delete(q.entries, e.Key)
			delete(q.seen, e.Key) // it remains in order, which is harmless
			q.bytes -= int64(len(e.Payload))
			continue
		}
		e.segment = q.log.current()
		e.segment.open++
		q.ready = append(q.ready, e)
	}
	if err != nil && len(b.entries) == 0 { // only marks of finished entries: retry with the next write
		q.next.records = append(b.records, q.next.records...)
	}
	q.signal()
	q.mu.Unlock()
	if err != nil {
		b.err = fmt.Errorf("write queue: %w", err)
	}
	close(b.written)
}

// Seen reports whether an entry with the key was accepted, now or earlier, and whether it is still waiting.
func (q *Queue) Seen(key Key) (accepted, waits bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, accepted = q.seen[key]
	return accepted, q.entries[key] != nil
}
