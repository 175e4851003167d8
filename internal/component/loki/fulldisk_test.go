package loki_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/loki"
)

// fillingDisk has space for as many checks as left says.
type fillingDisk struct{ left atomic.Int64 }

func (d *fillingDisk) Full() error {
	if d.left.Add(-1) < 0 {
		return errors.New("the disk is full")
	}
	return nil
}

// Loki responds with 204 even if its write-ahead log had no space for the lines. If the disk is full after a push, they
// may be lost at the next kill, so the push is not acknowledged.
func TestPushThatFillsTheDiskIsNotAcknowledged(t *testing.T) {
	disk := &fillingDisk{}
	disk.left.Store(1 << 30)
	o := options(t)
	o.Disk = disk
	s, _ := start(t, o, "")
	send := func(path string) (int, string) {
		body := `{"streams":[{"stream":{"job":"a"},"values":[["` + strconv.FormatInt(time.Now().UnixNano(), 10) + `","line"]]}]}`
		if strings.HasSuffix(path, "logs") {
			body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"` + strconv.FormatInt(time.Now().UnixNano(), 10) + `","body":{"stringValue":"line"}}]}]}]}`
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for path, codes := range map[string][2]int{
		"/loki/api/v1/push": {http.StatusNoContent, http.StatusInsufficientStorage},
		"/otlp/v1/logs":     {http.StatusNoContent, http.StatusServiceUnavailable},
	} {
		disk.left.Store(1 << 30)
		code, body := send(path)
		require.Equal(t, codes[0], code, "%s: %s", path, body)
		for _, looks := range []int64{0, 1} { // full before, and after
			disk.left.Store(looks)
			code, body = send(path)
			require.Equal(t, codes[1], code, path)
			require.Contains(t, body, "the disk is full")
		}
	}
	disk.left.Store(1)
	err := s.Push(t.Context(), &logproto.PushRequest{Streams: []logproto.Stream{{Labels: `{job="a"}`, Entries: []logproto.Entry{{Timestamp: time.Now(), Line: "line"}}}}})
	var refused *loki.PushError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusInsufficientStorage, refused.Code)
	require.False(t, refused.Rejected(), "it is sent again")
	disk.left.Store(1 << 30)
}
