package logcollector

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/stretchr/testify/require"
)

// A file's reader goes through its states in order, and every path through them leads to the last one.
func TestStates(t *testing.T) {
	for s := waiting; s <= finished; s++ {
		require.NotEmpty(t, s.String())
		require.Equal(t, s == finished, len(next[s]) == 0, s)
		for _, after := range next[s] {
			require.Greater(t, after, s, "no state comes back")
		}
	}
}

// What the reader of a file does while the file is written, rotated away and left unchanged.
func TestStatesOfARotatedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, path := logFolder(t)
		write(t, path, "line 1\n")
		store := &memory{}
		p := startProcess(t, t.TempDir(), path, store)
		time.Sleep(time.Second)
		renameFile(t, path, path+".1")
		time.Sleep(linger / 2)
		write(t, path+".1", "line 2\n") // the program that had it open continues to write
		time.Sleep(linger / 2)
		require.NotContains(t, p.went(), "rotated → finished")
		time.Sleep(2 * linger)
		p.end(t)
		require.Equal(t, []string{"waiting → following", "following → rotated", "rotated → finished"}, p.went())
		require.Equal(t, []string{"line 1", "line 2"}, store.stored())
	})
}

// A batch that was begun while the clock was ahead was rejected for as long.
func TestBatchOfAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		_, path := logFolder(t)
		write(t, path, "line 1\nline 2\n")
		ahead := time.Now().Add(24 * time.Hour).UnixNano()
		store := newModelStore(time.Now)
		p := startProcess(t, dir, path, store)
		store.mtx.Lock()
		store.refuses = true
		store.mtx.Unlock()
		time.Sleep(time.Second)
		p.end(t)
		l, err := openLedger(dir)
		require.NoError(t, err)
		for key, i := range l.pending {
			i.Base, i.To.Given = ahead, ahead+1
			l.pending[key] = i
		}
		require.Len(t, l.pending, 1)
		store.refuses = false
		p = readWith(t, l, path, store)
		write(t, path, "line 3\n")
		time.Sleep(time.Second)
		p.end(t)
		require.Equal(t, map[string]int{"line 1": 1, "line 2": 1, "line 3": 1}, store.count)
		require.Less(t, store.newest, ahead)
	})
}

// A batch that waited longer for the store than the store accepts its times is stored with new ones, and the part that
// was already stored is not stored again.
func TestUntimelyBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newModelStore(time.Now)
		_, path := logFolder(t)
		write(t, path, "line 1\nline 2\n")
		store.atPush = func(_ []logproto.Entry, save func(n int)) bool { // the response is lost
			save(1)
			return true
		}
		p := startProcess(t, t.TempDir(), path, store)
		time.Sleep(time.Second)
		store.mtx.Lock()
		store.atPush, store.dead, store.refuses = nil, false, true
		store.mtx.Unlock()
		time.Sleep(8 * day)
		store.mtx.Lock()
		store.refuses = false
		store.mtx.Unlock()
		time.Sleep(time.Minute)
		write(t, path, "line 3\n")
		time.Sleep(time.Second)
		p.end(t)
		require.Equal(t, map[string]int{"line 1": 1, "line 2": 1, "line 3": 1}, store.count)
	})
}

// A batch that the store does not take is sent again with the same times for 45 minutes, so that a store that has a part of it, such as one
// member of a ring, has nothing twice. From then on, lines get new times, which the store accepts.
func TestHowLongABatchKeepsItsTimes(t *testing.T) {
	for away, kept := range map[time.Duration]bool{44 * time.Minute: true, 46 * time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			_, path := logFolder(t)
			write(t, path, "line 1\n")
			store := &refusingStore{modelStore: newModelStore(time.Now), until: time.Now().Add(away)}
			p := startProcess(t, t.TempDir(), path, store)
			time.Sleep(away + time.Minute)
			p.end(t)
			require.Equal(t, map[string]int{"line 1": 1}, store.count)
			require.Greater(t, len(store.times), 100, "it is sent every few seconds")
			require.Equal(t, kept, len(slices.Compact(store.times)) == 1, "away for %s", away)
		})
	}
}

// refusingStore refuses pushes until a time.
type refusingStore struct {
	*modelStore
	until time.Time
	times []time.Time // of the first line of each push
}

func (s *refusingStore) Push(ctx context.Context, req *logproto.PushRequest) error {
	s.times = append(s.times, req.Streams[0].Entries[0].Timestamp)
	if time.Now().Before(s.until) {
		return errAway
	}
	return s.modelStore.Push(ctx, req)
}
