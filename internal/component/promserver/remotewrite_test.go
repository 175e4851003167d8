package promserver_test

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/stretchr/testify/require"
)

// remoteStore is a store of samples that remote write sends. It hangs until it is opened.
type remoteStore struct {
	url      string
	gate     chan struct{} // closed by open
	requests atomic.Int64  // that hang

	mtx    sync.Mutex
	values map[int64]bool
}

func newRemoteStore(t *testing.T) *remoteStore {
	t.Helper()
	s := &remoteStore{gate: make(chan struct{}), values: map[int64]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := remote.DecodeWriteRequest(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.requests.Add(1)
		defer s.requests.Add(-1)
		select {
		case <-s.gate:
		case <-r.Context().Done():
			return // the sender has given up
		}
		s.mtx.Lock()
		defer s.mtx.Unlock()
		for _, series := range request.Timeseries {
			for _, sample := range series.Samples {
				s.values[int64(sample.Value)] = true
			}
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *remoteStore) open() { close(s.gate) }

// stored returns the values of all samples, sorted.
func (s *remoteStore) stored() []int64 {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return slices.Sorted(maps.Keys(s.values))
}

// config is a prometheus.yml whose queue contains at most three samples, one of them in a request.
func (s *remoteStore) config() string {
	return "remote_write: [{url: '" + s.url +
		"', queue_config: {capacity: 1, max_samples_per_send: 1, max_shards: 1, batch_send_deadline: 10ms, max_backoff: 50ms}}]"
}

// add appends samples with the values from first to last, each in a series of its own. They are newer than the start of the server,
// because remote write ignores others.
func (r *running) add(t *testing.T, first, last int64) {
	t.Helper()
	a, at := r.Appender(t.Context()), time.Now().Add(100*time.Millisecond).UnixMilli()
	for v := first; v <= last; v++ {
		_, err := a.Append(0, labels.FromStrings("__name__", "sample", "number", strconv.FormatInt(v, 10)), at, float64(v))
		require.NoError(t, err)
	}
	require.NoError(t, a.Commit())
}

// addUntilSent appends samples, beginning with a value, until the store has the last one.
func (r *running) addUntilSent(t *testing.T, s *remoteStore, first int64) (last int64) {
	t.Helper()
	last = first - 1
	require.Eventually(t, func() bool {
		last++
		r.add(t, last, last)
		stored := s.stored()
		return len(stored) > 0 && stored[len(stored)-1] >= first
	}, time.Minute, 20*time.Millisecond)
	return last
}

func numbers(first, last int64) (all []int64) {
	for v := first; v <= last; v++ {
		all = append(all, v)
	}
	return all
}

// Upstream sends at a stop what its queues contain; most of these samples are not in the queue yet.
func TestStopSendsSamples(t *testing.T) {
	t.Parallel()
	s := newRemoteStore(t)
	r := start(t, s.config(), "--storage.remote.flush-deadline=2m")
	r.add(t, 1, 200)
	s.open()
	require.NoError(t, r.stop())
	require.Equal(t, numbers(1, 200), s.stored())
}

func TestStopWhileStoreIsDown(t *testing.T) {
	t.Parallel()
	s := newRemoteStore(t)
	dir := filepath.Join(t.TempDir(), "prometheus")
	const deadline = time.Second
	r := start(t, s.config(), "--storage.tsdb.path="+dir, "--storage.remote.flush-deadline="+deadline.String())
	r.add(t, 1, 50)
	before := time.Now()
	require.NoError(t, r.stop(), "within the time that an engine has")
	require.GreaterOrEqual(t, time.Since(before), deadline)

	// It goes on with new samples.
	r = start(t, s.config(), "--storage.tsdb.path="+dir)
	s.open()
	last := r.addUntilSent(t, s, 51)
	require.NoError(t, r.stop())
	require.Equal(t, numbers(51, last), s.stored())
}

// A change of the store's entry drops what is not sent, and so does a change of the external labels.
func TestStoreIsChangedWhileItIsDown(t *testing.T) {
	t.Parallel()
	s := newRemoteStore(t)
	r := start(t, s.config(), "--storage.remote.flush-deadline=1s")
	r.add(t, 1, 50)
	require.Eventually(t, func() bool { return s.requests.Load() > 0 }, time.Minute, 10*time.Millisecond)
	cfg, problems := r.load("global: {external_labels: {host: server-1}}\n" + s.config())
	require.Empty(t, problems)
	require.NoError(t, r.ApplyConfig(cfg))
	require.Eventually(t, func() bool { return s.requests.Load() == 0 }, time.Minute, 10*time.Millisecond)
	s.open()
	last := r.addUntilSent(t, s, 51)
	require.NoError(t, r.stop())
	require.Equal(t, numbers(51, last), s.stored())
}

// If the store is down for longer than the WAL lasts, it lacks everything up to a few seconds after its return, also what is in the WAL.
func TestStoreIsDownForLongerThanTheWAL(t *testing.T) {
	t.Parallel()
	s := newRemoteStore(t)
	dir := filepath.Join(t.TempDir(), "prometheus")
	r := start(t, s.config(), "--storage.tsdb.path="+dir, "--storage.tsdb.min-block-duration=300ms", "--storage.tsdb.max-block-duration=300ms")
	last := int64(0)
	require.Eventually(t, func() bool {
		last++
		r.add(t, last, last)
		first, _, err := wlog.Segments(filepath.Join(dir, "wal"))
		return err == nil && first > 1
	}, time.Minute, 10*time.Millisecond)
	s.open()
	end := r.addUntilSent(t, s, last+1)
	require.Equal(t, int(end), r.query(t, "last_over_time(sample[1h] offset -1s)"), "Ausguck has all")
	require.NoError(t, r.stop())
	stored := s.stored()
	require.Contains(t, stored, end)
	require.NotContains(t, stored, last)
	require.Less(t, len(stored), int(last))
}

// The WAL lasts for an hour at least, as docs/grow.md says: upstream removes two thirds of its segments every two hours.
func TestDurationOfTheWAL(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"few segments": tsdb.DefaultOptions().WALSegmentSize, "many segments": 32 << 10} {
		opts := tsdb.DefaultOptions()
		opts.WALSegmentSize = size
		dir := t.TempDir()
		db, err := tsdb.Open(dir, nil, nil, opts, nil)
		require.NoError(t, err)
		began := map[int]time.Time{} // the segments
		shortest, longest := time.Duration(math.MaxInt64), time.Duration(0)
		begin := time.Now().Truncate(time.Hour)
		for at := begin; at.Before(begin.Add(24 * time.Hour)); at = at.Add(time.Minute) {
			a := db.Appender(t.Context())
			for i := range 100 {
				_, err := a.Append(0, labels.FromStrings("__name__", "sample", "number", strconv.Itoa(i)), at.UnixMilli(), float64(i)*float64(at.Unix()))
				require.NoError(t, err)
			}
			require.NoError(t, a.Commit())
			require.NoError(t, db.Compact(t.Context()))
			first, last, err := wlog.Segments(filepath.Join(dir, "wal"))
			require.NoError(t, err)
			if began[last].IsZero() {
				began[last] = at
			}
			if at.Sub(begin) > 10*time.Hour { // the first day begins with an empty WAL
				shortest, longest = min(shortest, at.Sub(began[first])), max(longest, at.Sub(began[first]))
			}
		}
		require.NoError(t, db.Close())
		require.GreaterOrEqual(t, shortest, time.Hour)
		t.Attr("figure", fmt.Sprintf("the WAL of %s lasts for %s to %s", name, shortest, longest))
	}
}
