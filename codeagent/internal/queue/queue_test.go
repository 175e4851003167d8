package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, o Options) *Queue {
	t.Helper()
	q, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func put(t *testing.T, q *Queue, key string, want error) {
	t.Helper()
	if err := q.Put(t.Context(), KeyOf(key), []byte(key)); !errors.Is(err, want) {
		t.Errorf("put %s: %v, want %v", key, err, want)
	}
}

func take(t *testing.T, q *Queue) *Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	e, err := q.Take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOrderBoundsAndDuplicates(t *testing.T) {
	q := open(t, Options{Dir: t.TempDir(), MaxEntries: 3})
	put(t, q, "a", nil)
	put(t, q, "b", nil)
	put(t, q, "a", ErrDuplicate)
	put(t, q, "c", nil)
	put(t, q, "d", ErrFull)
	if e := take(t, q); string(e.Payload) != "a" || e.Restored {
		t.Errorf("%+v", e)
	} else {
		q.Done(e)
	}
	put(t, q, "d", nil)
	put(t, q, "a", ErrDuplicate) // even after it is done
	if n, size, oldest := q.Stats(); n != 3 || size != 3 || oldest.IsZero() {
		t.Error(n, size, oldest)
	}
}

func TestBytesAreBounded(t *testing.T) {
	q := open(t, Options{Dir: t.TempDir(), MaxBytes: 10})
	if err := q.Put(t.Context(), KeyOf("big"), make([]byte, 11)); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	put(t, q, "small", nil)
}

// Unfinished entries appear again in their original order, finished ones do not, and keys are remembered, across many files.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	for round := range 5 {
		q := open(t, Options{Dir: dir, Segment: 200})
		for range round {
			e := take(t, q)
			if !e.Restored {
				t.Error("not marked as restored")
			}
			q.Done(e)
		}
		for i := range 5 {
			put(t, q, fmt.Sprintf("%d-%d", round, i), nil)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
	q := open(t, Options{Dir: dir, Segment: 200})
	var all []string
	for n, _, _ := q.Stats(); n > 0; n-- {
		e := take(t, q)
		all = append(all, string(e.Payload))
		q.Done(e)
	}
	if got := fmt.Sprint(all); got != "[2-0 2-1 2-2 2-3 2-4 3-0 3-1 3-2 3-3 3-4 4-0 4-1 4-2 4-3 4-4]" {
		t.Error(got)
	}
	put(t, q, "0-0", ErrDuplicate)
	put(t, q, "last", nil)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.queue")); len(files) > 3 {
		t.Errorf("%d files stay for one entry", len(files))
	}
}

func TestKeysThatWaitAreNotForgotten(t *testing.T) {
	q := open(t, Options{Dir: t.TempDir(), MaxEntries: 2, MaxSeen: 3})
	put(t, q, "waits", nil)
	take(t, q)
	for i := range 20 {
		put(t, q, fmt.Sprint(i), nil)
		q.Done(take(t, q))
	}
	put(t, q, "waits", ErrDuplicate)
	put(t, q, "19", ErrDuplicate)
	put(t, q, "0", nil) // long ago
}

// Whatever is cut off at the end of a file, everything before it is still there.
func TestTornEnd(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Options{Dir: dir})
	put(t, q, "whole", nil)
	put(t, q, "torn", nil)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "000000000001.queue")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut < 37; cut++ {
		other := t.TempDir()
		if err := os.WriteFile(filepath.Join(other, filepath.Base(path)), content[:len(content)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		q := open(t, Options{Dir: other})
		if n, _, _ := q.Stats(); n != 1 {
			t.Fatalf("%d entries with %d bytes cut off", n, cut)
		}
		put(t, q, "torn", nil) // not acknowledged
	}
}

func TestManyAtOnce(t *testing.T) {
	q := open(t, Options{Dir: t.TempDir(), Segment: 10_000})
	var done sync.WaitGroup
	for worker := range 16 {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := range 100 {
				put(t, q, fmt.Sprint(worker, i), nil)
				q.Done(take(t, q))
			}
		}()
	}
	done.Wait()
	if n, size, _ := q.Stats(); n != 0 || size != 0 {
		t.Error(n, size)
	}
}

// On a full disk nothing is accepted, and everything works once there is space again.
func TestFailedWriteAcceptsNothing(t *testing.T) {
	q := open(t, Options{Dir: t.TempDir()})
	put(t, q, "before", nil)
	file := q.log.file
	q.log.file, _ = os.Open(os.DevNull) // opened for reading: every write fails
	if err := q.Put(t.Context(), KeyOf("lost"), nil); err == nil {
		t.Error("accepted")
	}
	q.log.file = file
	put(t, q, "lost", nil)
	if n, _, _ := q.Stats(); n != 2 {
		t.Error(n)
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add(record{kind: recordAccept, key: KeyOf("a"), at: 1, payload: []byte("{}")}.appendTo(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 3, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		from := bytes.NewReader(b)
		for {
			r, n, err := readRecord(from)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errTorn) {
					t.Fatal(err)
				}
				return
			}
			if again := r.appendTo(nil); int64(len(again)) != n {
				t.Fatalf("%d bytes become %d", n, len(again))
			}
		}
	})
}
