package bounds_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/bounds"
)

// A typical remote write of 2000 samples: the cost of checking it, in addition to decoding.
func BenchmarkGuard(b *testing.B) {
	w := &prompb.WriteRequest{}
	for i := range 2000 {
		w.Timeseries = append(w.Timeseries, prompb.TimeSeries{
			Labels: []prompb.Label{
				{Name: "__name__", Value: "http_request_duration_seconds_bucket"}, {Name: "job", Value: "api"}, {Name: "instance", Value: "host-1:9090"},
				{Name: "le", Value: "0.5"}, {Name: "path", Value: "/api/v1/query_range"}, {Name: "code", Value: "200"},
			},
			Samples: []prompb.Sample{{Timestamp: int64(1_700_000_000_000 + i), Value: float64(i)}},
		})
	}
	plain, err := proto.Marshal(w)
	require.NoError(b, err)
	body := snappy.Encode(nil, plain)
	h := bounds.NewGuard(0).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(body))
		r.Header.Set("Content-Encoding", "snappy")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
