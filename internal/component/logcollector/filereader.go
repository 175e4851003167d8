package logcollector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/text/encoding"
)

const (
	tailBytes = 64               // by which a file is recognized,
	headBytes = 1 << 10          // together with its first bytes: many lines end alike
	linger    = 3 * time.Second  // how long a rotated file may still grow
	openEnd   = time.Minute      // how long a last line may wait for its newline
	fullRead  = batchBytes - 256 // a read of this size means that there is more
	leastRead = 32 << 10         // the buffer of a quiet file
)

// fileReader reads one file to its end and continues as it grows, wherever it is moved.
type fileReader struct {
	logger  *slog.Logger
	sender  *sender
	metrics *metrics
	job     *job
	key     string
	id      fileID
	path    string         // the name under which it was found; its filename label
	labels  model.LabelSet // with filename
	decode  *encoding.Decoder
	// passed is called once when another file gets the name, with the time at which this file was last seen to have it.
	passed func(since time.Time)
	// older is closed when the older files have been read as far as they go; nil if there are none.
	older <-chan struct{}
	// caughtUp is closed when this one has been, too: the next one may be read.
	caughtUp chan struct{}
	// claim reports whether a copy of this file may be read; release is called when it was.
	claim   func(r *fileReader, key string, copied *os.File, own bool) bool
	release func(key string)
	// maybeStored returns the times with which lines of a copy may be stored without the ledger knowing them.
	maybeStored func(path, mark string, copied *os.File) span
	// entered is called for each change of state; may be nil.
	entered func(from, to state)
	// looking is called between a search for copies and a read, where tests rotate the file; nil otherwise.
	looking func()

	file     *os.File
	pos      position
	last     atomic.Pointer[position] // the end of what was sent last, stored or not
	state    state
	grew     time.Time // when bytes were last read
	lastSeen time.Time // when the name was last seen to be this file's
	looked   time.Time // when the file was last seen to continue from the position
	buf      []byte
	first    [headBytes]byte
}

// follow reads an open file until ctx ends or the file is gone and read, and does not close it. The position comes from
// the ledger.
func (r *fileReader) follow(ctx context.Context) error {
	caughtUp := sync.OnceFunc(func() { close(r.caughtUp) })
	defer caughtUp()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for r.state != finished {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		quiet := r.state == rotated && time.Since(r.grew) > linger // a last read follows
		for progress := true; progress; {
			var err error
			if progress, err = r.step(ctx); err != nil {
				return err
			}
		}
		caughtUp()
		if quiet {
			r.enter(finished)
			continue
		}
		if len(r.buf) > leastRead && time.Since(r.grew) > openEnd {
			r.buf = make([]byte, leastRead)
		}
		r.look()
		timer.Reset(pollInterval)
	}
	return nil
}

// prepare waits for its turn, and completes what the previous process had begun.
func (r *fileReader) prepare(ctx context.Context) error {
	r.grew, r.lastSeen = time.Now(), r.clock().now()
	if info, err := r.file.Stat(); err == nil { // it may have lost its name before it was first seen, and others may have had the name since
		pos, _ := r.sender.ledger.get(r.key)
		r.lastSeen = pos.lastNamed(info)
	}
	if r.older != nil {
		select {
		case <-r.older:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.buf = make([]byte, leastRead)
	r.pos, _ = r.sender.ledger.get(r.key)
	if r.looked.IsZero() {
		r.looked = r.pos.known()
	}
	hasName := !r.pos.Rotated
	if i, ok := r.sender.ledger.unfinished(r.key); ok {
		r.enter(repeating)
		if err := r.repeat(ctx, i); err != nil {
			return err
		}
	}
	r.pos.Path = r.path
	if hasName {
		r.enter(following)
	} else {
		r.enter(rotated)
	}
	return nil
}

// clock returns the clock of the machine.
func (r *fileReader) clock() *clock { return r.sender.ledger.clock }

// enter sets the state of the reader.
func (r *fileReader) enter(s state) {
	if r.entered != nil {
		r.entered(r.state, s)
	}
	r.state = s
}

// look checks whether the file still has its name. If not, later lines are written to another file.
func (r *fileReader) look() {
	if r.state != following {
		return
	}
	info, err := os.Stat(r.path)
	switch {
	case err == nil && idOf(info) == r.id:
		r.lastSeen = r.clock().now()
		return
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return // the folder cannot be read at the moment
	}
	r.enter(rotated)
	r.grew = time.Now()
	r.passed(r.lastSeen)
}

// step reads and stores one batch; progress is false when there is nothing (yet).
func (r *fileReader) step(ctx context.Context) (progress bool, err error) {
	if found, err := r.missedCopies(ctx); err != nil || found {
		return found, err
	}
	if r.looking != nil {
		r.looking()
	}
	now := r.clock().now()
	content, same, err := r.read(r.file, r.pos.Offset)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", r.path, err)
	}
	if !same {
		return true, r.restart(ctx)
	}
	if r.pos.Offset == 0 {
		// It may have been truncated since the check above: then there is a copy of its earlier content, which comes
		// first.
		first := bytes.Clone(content[:min(len(content), headBytes)])
		if found, err := r.missedCopies(ctx); err != nil || found {
			return found, err
		}
		if content = content[:0]; len(first) > 0 { // an empty file stays empty until the next step
			if content, _, err = r.read(r.file, 0); err != nil || !beginAlike(first, content) {
				return err == nil, err // and try again
			}
		}
	}
	if r.pos.Offset > 0 || len(content) == 0 {
		r.looked = now
	}
	if len(content) == 0 {
		return false, nil
	}
	full := len(content) >= fullRead
	idle := time.Since(r.lastChange(content))
	last := r.state == rotated && idle > linger || idle > openEnd
	progress, err = r.store(ctx, r.file, content, last, last || idle > r.job.wait)
	if !progress && err == nil && full { // one block fills the whole buffer
		progress, err = r.store(ctx, r.file, content, false, true)
	}
	return progress, err
}

// lastChange returns when the file last grew.
func (r *fileReader) lastChange(content []byte) time.Time {
	if end := r.pos.Offset + int64(len(content)); end != r.pos.seen {
		r.pos.seen, r.grew = end, time.Now()
	}
	return r.grew
}

// read returns the bytes after offset, at most a batch. It also reads the bytes before offset and the first ones: if
// they differ from those read before, the file was truncated or rewritten, and same is false.
func (r *fileReader) read(file io.ReaderAt, offset int64) (content []byte, same bool, err error) {
	tail := len(r.pos.Tail)
	n, err := file.ReadAt(r.buf, offset-int64(tail))
	for n == len(r.buf) && n < batchBytes { // there is more: most files are quiet, and need no buffer for a whole batch
		r.buf = make([]byte, min(2*n, batchBytes))
		n, err = file.ReadAt(r.buf, offset-int64(tail))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if n < tail || !bytes.Equal(r.buf[:tail], r.pos.Tail) || !r.pos.Head.of(file, r.first[:]) {
		return nil, false, nil
	}
	return r.buf[tail:n], true, nil
}

// store makes entries of complete lines and stores them. closeLine includes a last line without newline, closeBlock a
// last block to which lines could still be added.
func (r *fileReader) store(ctx context.Context, file *os.File, content []byte, closeLine, closeBlock bool) (bool, error) {
	base := nextTime(r.clock().now(), r.pos.Given)
	lines := r.split(content, base, closeLine)
	if len(lines) == 0 {
		return false, nil
	}
	entries, used := r.job.run(r.labels, lines, closeBlock)
	if used == 0 {
		return false, nil
	}
	size := lines[used-1].end
	to := r.pos
	stamp(entries, base, len(lines), &to)
	to.Offset, to.Given, to.Path = r.pos.Offset+int64(size), base+int64(used)-1, r.path
	to.Looked = r.looked.UnixNano()
	to.Tail = tailOf(r.pos.Tail, content[:size])
	to.Head = r.pos.Head.followed(r.pos.Offset, content[:size])
	if !r.pos.Unsure.empty() && r.sender.store != nil {
		var err error
		if entries, to.Unsure, err = r.sender.unstored(ctx, entries, base, len(lines), r.pos.Unsure); err != nil {
			return false, err
		}
	}
	r.last.Store(&to)
	// From here on, a scan recognizes a copy of what was read. A copy that was made and found earlier has its own
	// reader.
	if info, err := file.Stat(); err == nil && info.Size() < to.Offset {
		return true, nil
	}
	seen := r.pos.seen
	if err := r.send(ctx, intent{Key: r.key, From: r.pos, To: to, Base: base}, entries, size, false); err != nil {
		return false, err
	}
	r.pos.seen = seen
	return true, nil
}

// send stores a batch and moves the position to its end. A batch that waited so long that the store would reject its
// times is read again.
func (r *fileReader) send(ctx context.Context, i intent, entries []entry, size int, look bool) error {
	err := r.sender.send(ctx, &batch{intent: &i, entries: entries, bytes: size, look: look})
	switch {
	case errors.Is(err, errUntimely):
		return r.repeat(ctx, i)
	case err == nil:
		r.metrics.bytes.WithLabelValues("file").Add(float64(size))
		r.pos = i.To
	}
	return err
}

// tailOf returns the last bytes before the next position.
func tailOf(before, content []byte) []byte {
	if len(content) < tailBytes {
		joined := append(bytes.Clone(before), content...)
		return joined[max(0, len(joined)-tailBytes):]
	}
	return bytes.Clone(content[len(content)-tailBytes:])
}

// repeat reads a batch that may or may not be stored again, with the same times, and stores what is missing.
func (r *fileReader) repeat(ctx context.Context, i intent) error {
	r.pos = i.From
	size := int(i.To.Offset - i.From.Offset)
	content, err := r.readAgain(i)
	if err != nil {
		return fmt.Errorf("read %s: %w", r.path, err)
	}
	if content == nil {
		r.logger.Warn("Cannot read again the lines being stored when the process ended", "path", r.path, "offset", i.From.Offset, "bytes", size)
		return nil
	}
	if now := r.clock().now(); !timely(i.Base, now) {
		n := int64(bytes.Count(content, newline))
		i.From.Unsure = i.From.Unsure.with(span{i.Base, i.Base + n + 1})
		i.Base, i.To.Given = now.UnixNano(), now.UnixNano()+n
	}
	lines := r.split(content, i.Base, true)
	entries, _ := r.job.run(r.labels, lines, true)
	r.last.Store(&i.To)
	at := i.From
	stamp(entries, i.Base, len(lines), &at)
	if !i.From.Unsure.empty() && r.sender.store != nil {
		if entries, _, err = r.sender.unstored(ctx, entries, i.Base, len(lines), i.From.Unsure); err != nil {
			return err
		}
	}
	return r.send(ctx, i, entries, size, true)
}
