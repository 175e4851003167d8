package logcollector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// memory is a Store.
type memory struct {
	mtx    sync.Mutex
	lines  []string
	ledger *ledger // of the reader that stores here
}

func (m *memory) Push(_ context.Context, req *logproto.PushRequest) error {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	for _, s := range req.Streams {
		for _, e := range s.Entries {
			m.lines = append(m.lines, e.Line)
		}
	}
	return nil
}

func (m *memory) Lines(context.Context, string, time.Time, time.Time, func(time.Time, string)) error {
	return nil
}

func (m *memory) stored() []string {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	return append([]string(nil), m.lines...)
}

// follower reads path as if before had been read from a file with its inode number, and returns the store.
func follower(t *testing.T, path, before string) *memory {
	t.Helper()
	l, err := openLedger(t.TempDir())
	require.NoError(t, err)
	store, reg := &memory{ledger: l}, prometheus.NewRegistry()
	s := &sender{logger: slog.New(slog.DiscardHandler), store: store, ledger: l, metrics: newMetrics(reg), in: make(chan *batch)}
	j, err := newJob(&scrapeconfig.Config{JobName: "files"}, log.NewNopLogger(), reg)
	require.NoError(t, err)
	l.put("file", position{Path: path, Offset: int64(len(before)), Tail: tailOf(nil, []byte(before)), Head: head{}.followed(0, []byte(before))})
	file, err := os.Open(path)
	require.NoError(t, err)
	r := &fileReader{
		logger: s.logger, sender: s, metrics: s.metrics, job: j, key: "file", path: path, labels: model.LabelSet{"job": "files"},
		passed: func(time.Time) {}, caughtUp: make(chan struct{}), file: file,
		claim: func(*fileReader, string, *os.File, bool) bool { return true }, release: func(string) {},
	}
	info, err := file.Stat()
	require.NoError(t, err)
	r.id = idOf(info)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.run(ctx) })
	running.Go(func() { _ = r.follow(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		require.NoError(t, errors.Join(file.Close(), l.close()))
	})
	return store
}

// A file has the inode number of a deleted one, and next to it is a third one in which a line has the same end at the
// same offset: none of that one is read. If the third one is a copy of what was read, as copytruncate makes it, the
// rest of it is read.
func TestReadCopy(t *testing.T) {
	same := strings.Repeat("é", tailBytes)
	for _, test := range []struct {
		name, read, beside string
		want               []string
	}{
		{"another file that ends alike", "deleted " + same + "\n", "another " + same + "\n" + "not again\n", []string{"new"}},
		{"a copy", "deleted " + same + "\n", "deleted " + same + "\n" + "the rest\n", []string{"the rest", "new"}},
		{"a long copy", "deleted " + strings.Repeat(same+"\n", 20), "deleted " + strings.Repeat(same+"\n", 20) + "the rest\n", []string{"the rest", "new"}},
		{"a long file that begins otherwise", "deleted " + strings.Repeat(same+"\n", 20), "another " + strings.Repeat(same+"\n", 20) + "not again\n", []string{"new"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.log")
			require.NoError(t, os.WriteFile(path+".1", []byte(test.beside), 0o600))
			before := time.Now().Add(-time.Minute)
			require.NoError(t, os.Chtimes(path+".1", before, before))
			require.NoError(t, os.WriteFile(path, []byte("new\n"), 0o600))
			store := follower(t, path, test.read)
			require.Eventually(t, func() bool { return len(store.stored()) >= len(test.want) }, 10*time.Second, 10*time.Millisecond)
			require.Equal(t, test.want, store.stored())
			if len(test.want) == 1 {
				return
			}
			// The copy counts as read, also at the next start, which would otherwise store it again.
			info, err := os.Stat(path + ".1")
			require.NoError(t, err)
			pos, known := store.ledger.get(fileKey(idOf(info), "file"))
			require.True(t, known)
			require.Equal(t, info.Size(), pos.Offset)
			file, err := os.Open(path + ".1")
			require.NoError(t, err)
			defer file.Close()
			require.True(t, sameFile(file, pos))
		})
	}
}

// A file that was emptied and has grown past the position, with a line that has the same end there, is read from its
// beginning.
func TestTruncatedAndGrown(t *testing.T) {
	same := strings.Repeat("é", tailBytes)
	path := filepath.Join(t.TempDir(), "app.log")
	require.NoError(t, os.WriteFile(path, []byte("after  "+same+"\nlast\n"), 0o600))
	store := follower(t, path, "before "+same+"\n")
	require.Eventually(t, func() bool { return len(store.stored()) >= 2 }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, []string{"after  " + same, "last"}, store.stored())
}

// A head is the same in however many batches it was read, and ends at headBytes.
func TestHead(t *testing.T) {
	content := []byte(strings.Repeat("0123456789\n", headBytes/5))
	whole := head{}.followed(0, content)
	require.Equal(t, headBytes, whole.Size)
	for _, step := range []int{1, 7, 100, headBytes, headBytes + 1} {
		var h head
		for offset := 0; offset < len(content); offset += step {
			h = h.followed(int64(offset), content[offset:min(offset+step, len(content))])
		}
		require.Equal(t, whole, h, "steps of %d bytes", step)
	}
	require.Zero(t, head{}.followed(5, content), "the beginning of a file that was not read from its beginning is not known")
}

// A file is found while rotation moves it from name to name, or an error reports that it is being moved; it is never
// reported as gone.
func TestOpenAsWhileRotating(t *testing.T) {
	const generations = 50
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	name := func(n int) string { return fmt.Sprintf("%s.%d", path, n) }
	var ids []fileID
	for n := range generations {
		require.NoError(t, os.WriteFile(name(n), nil, 0o600))
		info, err := os.Stat(name(n))
		require.NoError(t, err)
		ids = append(ids, idOf(info))
	}
	stop := make(chan struct{})
	var rotating sync.WaitGroup
	rotating.Go(func() {
		for first := 0; ; first++ {
			for n := first + generations; n > first; n-- {
				if err := os.Rename(name(n-1), name(n)); err != nil {
					panic(err)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	found := 0
	for n := range 300 {
		file, err := openAs(path, ids[n%generations])
		if err != nil {
			require.ErrorIs(t, err, errRotating)
			continue
		}
		found++
		info, err := file.Stat()
		require.NoError(t, err)
		require.Equal(t, ids[n%generations], idOf(info))
		require.NoError(t, file.Close())
	}
	close(stop)
	rotating.Wait()
	require.Positive(t, found)
	_, err := openAs(path, fileID{1, 1})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A list of generations has all of them, also if rotation renames them meanwhile.
func TestGenerationsWhileRotating(t *testing.T) {
	const number = 8
	path := filepath.Join(t.TempDir(), "app.log")
	name := func(n int) string { return fmt.Sprintf("%s.%d", path, n) }
	for n := range number {
		require.NoError(t, os.WriteFile(name(n), nil, 0o600))
	}
	stop := make(chan struct{})
	var rotating sync.WaitGroup
	rotating.Go(func() {
		for first := 0; ; first++ {
			for n := first + number; n > first; n-- {
				if err := os.Rename(name(n-1), name(n)); err != nil {
					panic(err)
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond): // more than a list takes
			}
		}
	})
	defer rotating.Wait()
	defer close(stop)
	for range 2000 {
		require.Len(t, generations(path), number)
	}
}

// How far a file was read is forgotten when the file is gone, but kept while its folder cannot be read: otherwise it
// would be read twice.
func TestOrphanOfAFolderThatCannotBeRead(t *testing.T) {
	l, err := openLedger(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.close()) })
	reg := prometheus.NewRegistry()
	s := &sender{logger: slog.New(slog.DiscardHandler), ledger: l, metrics: newMetrics(reg)}
	f := newFiles(s.logger, s, s.metrics, nil)
	dir := filepath.Join(t.TempDir(), "logs")
	key := fileKey(fileID{1, 1}, "mark")
	l.put(key, position{Path: filepath.Join(dir, "app.log"), Offset: 5, Tail: []byte("read\n")})

	require.NoError(t, os.WriteFile(dir, nil, 0o600)) // not a folder
	(&scan{files: f, keys: map[string]bool{}}).leftBehind(&fileTarget{mark: "mark"})
	require.Contains(t, l.known(), key)
	require.Empty(t, f.passed)

	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.Mkdir(dir, 0o700))
	(&scan{files: f, keys: map[string]bool{}}).leftBehind(&fileTarget{mark: "mark"})
	require.NotContains(t, l.known(), key)
	require.Len(t, f.passed, 1)
}

// A file that was created and copied during a scan is not seen by it, but its copy is. The next scan reads both as one.
func TestCopyOfAFileThatTheScanMissed(t *testing.T) {
	l, err := openLedger(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.close()) })
	reg := prometheus.NewRegistry()
	s := &sender{logger: slog.New(slog.DiscardHandler), ledger: l, metrics: newMetrics(reg)}
	f := newFiles(s.logger, s, s.metrics, nil)
	_, path := logFolder(t)
	for _, name := range []string{path, path + ".1"} {
		write(t, name, "line 1\n")
	}
	p := passedName{&fileTarget{mark: "mark"}, path, time.Now().Add(-time.Minute)}
	missed := &scan{files: f, keys: map[string]bool{}}
	missed.between(p)
	require.Empty(t, missed.candidates)
	require.Empty(t, l.known())
	require.Equal(t, []passedName{p}, missed.again)

	write(t, path+".1", "line 2\n") // it is not a copy
	require.NoError(t, os.WriteFile(path, []byte("line 3\n"), 0o600))
	missed.between(p)
	require.Len(t, missed.candidates, 1)
	require.NoError(t, missed.candidates[0].file.Close())
}
