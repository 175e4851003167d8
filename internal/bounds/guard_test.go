package bounds_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/bounds"
	"github.com/ausguck/ausguck/internal/bounds/boundstest"
)

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func deflated(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func lz4ed(b []byte) []byte {
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func push(path, media, encoding string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", media)
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	return r
}

// call returns a gRPC export request.
func call(service, encoding string, message []byte) *http.Request {
	switch encoding {
	case "gzip":
		message = gz(message)
	case "zstd":
		message = zstded(message)
	}
	return framed(service, encoding, boundstest.Frame(encoding != "", message))
}

func framed(service, encoding string, body []byte) *http.Request {
	r := push("/opentelemetry.proto.collector."+service+"/Export", "application/grpc", "", body)
	r.Header.Set("Grpc-Encoding", encoding)
	return r
}

// matcher returns a remote read of one query with a regular expression.
func matcher(re string) []byte {
	m := append([]byte{0x08, 2, 0x12, 1, 'a', 0x1a, byte(len(re))}, re...)
	m = append([]byte{0x1a, byte(len(m))}, m...)
	return append([]byte{0x0a, byte(len(m))}, m...)
}

const protobuf = "application/x-protobuf"

func TestGuardRefuses(t *testing.T) {
	zeros := make([]byte, 200<<20)
	deepJSON := []byte(strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000))
	empty := bytes.Repeat([]byte{0x0a, 0}, 8<<20)
	nested := boundstest.NestedLogs(2_000_000)
	for name, c := range map[string]struct {
		r    *http.Request
		code int
		text string
	}{
		"nested values in OTLP logs":      {push("/otlp/v1/logs", protobuf, "", nested), 400, "nest deeper than 200"},
		"nested values, gzip":             {push("/otlp/v1/logs", protobuf, "gzip", gz(nested)), 400, "nest deeper than 200"},
		"nested values, zstd":             {push("/otlp/v1/logs", protobuf, "zstd", zstded(nested)), 400, "nest deeper than 200"},
		"nested values, lz4":              {push("/otlp/v1/logs", protobuf, "lz4", lz4ed(nested)), 400, "nest deeper than 200"},
		"nested values in OTLP metrics":   {push("/api/v1/otlp/v1/metrics", protobuf, "", boundstest.NestedMetrics(2_000_000)), 400, "nest deeper than 200"},
		"nested values in OTLP traces":    {push("/v1/traces", protobuf, "", boundstest.NestedSpans(2_000_000)), 400, "nest deeper than 200"},
		"nested values by gRPC":           {call("logs.v1.LogsService", "", nested), 400, "nest deeper than 200"},
		"nested metrics by gRPC, gzip":    {call("metrics.v1.MetricsService", "gzip", boundstest.NestedMetrics(2_000_000)), 400, "nest deeper than 200"},
		"nested spans by gRPC, zstd":      {call("trace.v1.TraceService", "zstd", boundstest.NestedSpans(2_000_000)), 400, "nest deeper than 200"},
		"gzip bomb by gRPC":               {call("logs.v1.LogsService", "gzip", zeros), 413, "larger than 128 MiB"},
		"an encoding that is not known":   {call("logs.v1.LogsService", "snappy", nil), 415, "gzip, zstd or none"},
		"half a message by gRPC":          {framed("logs.v1.LogsService", "", boundstest.Frame(false, nested)[:9]), 400, "not a single gRPC message"},
		"two messages by gRPC":            {framed("logs.v1.LogsService", "", make([]byte, 10)), 400, "not a single gRPC message"},
		"rubbish in gzip by gRPC":         {framed("logs.v1.LogsService", "gzip", boundstest.Frame(true, []byte("rubbish"))), 400, "unpack gzip"},
		"nested JSON logs":                {push("/otlp/v1/logs", "application/json", "", deepJSON), 400, "nest deeper than 200"},
		"nested JSON push":                {push("/loki/api/v1/push", "application/json; charset=utf-8", "gzip", gz(deepJSON)), 400, "nest deeper than 200"},
		"nested JSON, deflate":            {push("/loki/api/v1/push", "application/json", "deflate", deflated(deepJSON)), 400, "nest deeper than 200"},
		"nested dashboard":                {push("/api/dashboards/db", "application/json", "", deepJSON), 400, "nest deeper than 200"},
		"nested silence without a type":   {push("/api/v2/silences", "", "", deepJSON), 400, "nest deeper than 200"},
		"a label of 16 MiB":               {push("/api/v1/write", protobuf, "snappy", snappy.Encode(nil, longLabel(t, 16<<20))), 400, "the most that a label can hold"},
		"groups":                          {push("/api/v1/write", protobuf, "snappy", snappy.Encode(nil, bytes.Repeat([]byte{0x0b}, 1<<20))), 400, "groups"},
		"empty series":                    {push("/api/v1/write", protobuf, "snappy", snappy.Encode(nil, empty)), 400, "would take more than"},
		"empty series of 2.0":             {push("/api/v1/write", protobuf+";proto=io.prometheus.write.v2.Request", "snappy", snappy.Encode(nil, bytes.Repeat([]byte{0x2a, 0}, 8<<20))), 400, "would take more than"},
		"empty streams":                   {push("/loki/api/v1/push", protobuf, "", snappy.Encode(nil, empty)), 400, "would take more than"},
		"empty queries":                   {push("/api/v1/read", protobuf, "snappy", snappy.Encode(nil, empty)), 400, "would take more than"},
		"regular expressions":             {push("/api/v1/read", protobuf, "snappy", snappy.Encode(nil, bytes.Repeat(matcher("x{1000}"), 1000))), 400, "repeat more than 500000"},
		"snappy bomb":                     {push("/api/v1/write", protobuf, "snappy", snappy.Encode(nil, zeros)), 413, "larger than 128 MiB"},
		"snappy that claims":              {push("/api/v1/write", protobuf, "snappy", binary.AppendUvarint(nil, 100<<20)), 400, "claims to hold"},
		"snappy that claims much":         {push("/api/v1/write", protobuf, "snappy", binary.AppendUvarint(nil, 1<<40)), 413, "larger than 128 MiB"},
		"snappy of a push without a word": {push("/loki/api/v1/push", "", "", snappy.Encode(nil, zeros)), 413, "larger than 128 MiB"},
		"snappy in gzip":                  {push("/loki/api/v1/push", protobuf, "gzip", gz(snappy.Encode(nil, zeros))), 413, "larger than 128 MiB"},
		"gzip bomb":                       {push("/loki/api/v1/push", "application/json", "gzip", gz(zeros)), 413, "larger than 128 MiB"},
		"deflate bomb":                    {push("/loki/api/v1/push", "application/json", "deflate", deflated(zeros)), 413, "larger than 128 MiB"},
		"zstd bomb":                       {push("/otlp/v1/logs", protobuf, "zstd", zstded(zeros)), 413, "larger than 128 MiB"},
		"lz4 bomb":                        {push("/otlp/v1/logs", protobuf, "lz4", lz4ed(zeros)), 413, "larger than 128 MiB"},
		"gzip where none is needed":       {push("/api/v2/silences", "application/json", "gzip", gz(zeros)), 413, "larger than 128 MiB"},
		"large":                           {push("/api/dashboards/db", "application/json", "", zeros[:17<<20]), 413, "larger than 16 MiB"},
		"large push":                      {push("/api/v1/write", protobuf, "snappy", zeros[:65<<20]), 413, "larger than 64 MiB"},
		"many values":                     {push("/api/dashboards/db", "application/json", "", []byte("["+strings.Repeat("{},", 5<<20)+"0]")), 400, "would take more than"},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			reached := false
			bounds.NewGuard(1<<30).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(w, c.r)
			require.False(t, reached, "the handler was asked")
			require.Equal(t, c.code, w.Code, w.Body.String())
			require.Contains(t, w.Body.String(), c.text)
		})
	}
}

// longLabel returns a remote write of one series with a label of the given length.
func longLabel(t *testing.T, length int) []byte {
	t.Helper()
	field := func(number byte, content []byte) []byte {
		return append(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(content))), content...)
	}
	label := append(field(1, []byte("l")), field(2, bytes.Repeat([]byte("v"), length))...)
	return field(1, field(1, label))
}

// Accepted bodies reach the decoders in the form that these expect.
func TestGuardHandsOn(t *testing.T) {
	logs, dashboard := boundstest.NestedLogs(20), []byte(`{"panels":[{"targets":[{}]}]}`)
	packed, longest := snappy.Encode(nil, []byte{0x0a, 0}), snappy.Encode(nil, longLabel(t, 16<<20-1))
	for name, c := range map[string]struct {
		r        *http.Request
		want     []byte
		encoding string
	}{
		"gzip":            {push("/otlp/v1/logs", protobuf, "gzip", gz(logs)), logs, ""},
		"zstd":            {push("/otlp/v1/logs", protobuf, "zstd", zstded(logs)), logs, ""},
		"lz4":             {push("/otlp/v1/logs", protobuf, "lz4", lz4ed(logs)), logs, ""},
		"plain":           {push("/otlp/v1/logs", protobuf, "", logs), logs, ""},
		"JSON":            {push("/api/dashboards/db", "application/json", "", dashboard), dashboard, ""},
		"snappy":          {push("/api/v1/write", protobuf, "snappy", packed), packed, "snappy"},
		"a long label":    {push("/api/v1/write", protobuf, "snappy", longest), longest, "snappy"},
		"push":            {push("/loki/api/v1/push", protobuf, "", packed), packed, ""},
		"push, gzip":      {push("/loki/api/v1/push", protobuf, "gzip", gz(packed)), gz(packed), "gzip"},
		"another's":       {push("/loki/api/v1/push", "application/json", "br", []byte("x")), []byte("x"), "br"},
		"form":            {push("/api/v1/query", "application/x-www-form-urlencoded", "", []byte("query=up")), []byte("query=up"), ""},
		"without a body":  {httptest.NewRequest(http.MethodPost, "/-/reload", http.NoBody), nil, ""},
		"a get":           {httptest.NewRequest(http.MethodGet, "/api/v1/query?query=up", nil), nil, ""},
		"not quite JSON":  {push("/api/dashboards/db", "application/json", "", []byte(`{"a":"[[[`)), []byte(`{"a":"[[[`), ""},
		"gRPC":            {call("logs.v1.LogsService", "", logs), boundstest.Frame(false, logs), ""},
		"gRPC, gzip":      {call("logs.v1.LogsService", "gzip", logs), boundstest.Frame(false, logs), ""},
		"not quite proto": {push("/otlp/v1/logs", protobuf, "", []byte{0x0a, 0xff}), []byte{0x0a, 0xff}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			bounds.NewGuard(0).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.Equal(t, string(c.want), string(got))
				require.Equal(t, c.encoding, r.Header.Get("Content-Encoding"))
				require.EqualValues(t, len(c.want), max(r.ContentLength, 0))
			})).ServeHTTP(w, c.r)
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		})
	}
}

// Bodies that cannot be decompressed are rejected by the handler, which does not get their content.
func TestGuardLeavesRubbish(t *testing.T) {
	for _, r := range []*http.Request{
		push("/api/v1/write", protobuf, "snappy", []byte("\x05rubbish")), push("/otlp/v1/logs", protobuf, "gzip", []byte("rubbish")),
		push("/otlp/v1/logs", protobuf, "gzip", gz(make([]byte, 1000))[:20]), push("/loki/api/v1/push", protobuf, "gzip", gz([]byte("\x05rubbish"))),
		push("/otlp/v1/logs", protobuf, "zstd", []byte("rubbish")), push("/otlp/v1/logs", protobuf, "lz4", []byte("rubbish")),
	} {
		w := httptest.NewRecorder()
		bounds.NewGuard(0).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			content, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.Equal(t, bytes.Repeat([]byte{0xff}, 32), content)
			w.WriteHeader(http.StatusTeapot)
		})).ServeHTTP(w, r)
		require.Equal(t, http.StatusTeapot, w.Code, w.Body.String())
	}
}

// However many requests arrive at once, no more are decoded concurrently than the memory allows.
func TestGuardBoundsAllTogether(t *testing.T) {
	body := snappy.Encode(nil, bytes.Repeat([]byte{0x0a, 0}, 200_000)) // 19 MiB decoded
	var mtx sync.Mutex
	var now, most int
	inside := make(chan struct{})
	h := bounds.NewGuard(64 << 20).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mtx.Lock()
		now++
		most = max(most, now)
		mtx.Unlock()
		inside <- struct{}{} // until the test has checked
		mtx.Lock()
		now--
		mtx.Unlock()
	}))
	var done sync.WaitGroup
	for range 12 {
		done.Go(func() { h.ServeHTTP(httptest.NewRecorder(), push("/api/v1/write", protobuf, "snappy", body)) })
	}
	for range 12 {
		<-inside
		runtime.Gosched()
	}
	done.Wait()
	require.LessOrEqual(t, most, 3)
	require.Positive(t, most)
}

func TestGuardSaysThatItIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := snappy.Encode(nil, bytes.Repeat([]byte{0x0a, 0}, 400_000)) // 38 MiB decoded
		held, entered := make(chan struct{}), make(chan struct{}, 1)
		h := bounds.NewGuard(64 << 20).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			entered <- struct{}{}
			<-held
		}))
		var done sync.WaitGroup
		done.Go(func() { h.ServeHTTP(httptest.NewRecorder(), push("/api/v1/write", protobuf, "snappy", body)) })
		<-entered
		w := httptest.NewRecorder()
		h.ServeHTTP(w, push("/api/v1/write", protobuf, "snappy", body))
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		close(held)
		done.Wait()
	})
}
