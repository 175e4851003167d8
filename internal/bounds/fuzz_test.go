package bounds_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/gogo/protobuf/proto"
	lokipush "github.com/grafana/loki/pkg/push"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ausguck/ausguck/internal/bounds"
	"github.com/ausguck/ausguck/internal/bounds/boundstest"
)

// decode decodes a body like the part behind the path does. Its error does not matter, but its use of stack and memory does.
func decode(path string, isJSON bool, body []byte) {
	switch path {
	case "/otlp/v1/logs":
		r := plogotlp.NewExportRequest()
		if isJSON {
			_ = r.UnmarshalJSON(body)
			return
		}
		_ = r.UnmarshalProto(body)
	case "/v1/traces":
		r := ptraceotlp.NewExportRequest()
		if isJSON {
			_ = r.UnmarshalJSON(body)
			return
		}
		_ = r.UnmarshalProto(body)
	case "/opentelemetry.proto.collector.logs.v1.LogsService/Export":
		if len(body) >= 5 {
			_ = plogotlp.NewExportRequest().UnmarshalProto(body[5:])
		}
	case "/api/v1/otlp/v1/metrics":
		r := pmetricotlp.NewExportRequest()
		if isJSON {
			_ = r.UnmarshalJSON(body)
			return
		}
		_ = r.UnmarshalProto(body)
	case "/api/v1/write":
		if plain, err := snappy.Decode(nil, body); err == nil {
			_ = proto.Unmarshal(plain, &prompb.WriteRequest{})
			_ = proto.Unmarshal(plain, &writev2.Request{})
		}
	case "/api/v1/read":
		if plain, err := snappy.Decode(nil, body); err == nil {
			_ = proto.Unmarshal(plain, &prompb.ReadRequest{})
		}
	case "/loki/api/v1/push":
		if isJSON {
			var v any
			_ = json.Unmarshal(body, &v)
			return
		}
		if plain, err := snappy.Decode(nil, body); err == nil {
			_ = proto.Unmarshal(plain, &lokipush.PushRequest{})
		}
	default:
		var v any
		_ = json.Unmarshal(body, &v)
	}
}

var (
	decoded   = []string{"/otlp/v1/logs", "/api/v1/otlp/v1/metrics", "/api/v1/write", "/api/v1/read", "/loki/api/v1/push", "/api/dashboards/db", "/v1/traces", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"}
	encodings = []string{"", "snappy", "gzip", "deflate", "zstd", "lz4"}
)

// The real decoder survives everything that the Guard accepts with a hundredth of Go's stack, and with memory in proportion to
// the input. The fuzzed body is compressed afterwards, because otherwise hardly any input would reach a decoder.
func FuzzGuard(f *testing.F) {
	for i := range decoded {
		for e := range encodings {
			for _, seed := range [][]byte{
				boundstest.NestedLogs(3), boundstest.NestedLogs(300), boundstest.NestedMetrics(3), boundstest.NestedMetrics(300),
				boundstest.NestedSpans(3), boundstest.NestedSpans(300), boundstest.Frame(false, boundstest.NestedLogs(3)), boundstest.Frame(true, gz(boundstest.NestedLogs(300))),
				{0x0a, 0, 0x0a, 0}, {0x2a, 0}, {0x0b, 0x0c}, {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f},
				[]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[]}}}]}}}]}]}]}`),
				[]byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asInt":"1","attributes":[{}]}]}}]}]}]}`),
				[]byte(strings.Repeat("[", 300)), []byte(`{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"c":"d"}]]}]}`),
			} {
				f.Add(i, e, true, seed)
				f.Add(i, e, false, seed)
			}
		}
	}
	before := debug.SetMaxStack(8 << 20)
	f.Cleanup(func() { debug.SetMaxStack(before) })
	guard := bounds.NewGuard(256 << 20)
	f.Fuzz(func(t *testing.T, which, how int, isJSON bool, body []byte) {
		path, encoding := decoded[uint(which)%uint(len(decoded))], encodings[uint(how)%uint(len(encodings))]
		sent := packFor(encoding, body)
		if !isJSON && encoding == "" && path != "/otlp/v1/logs" && path != "/api/v1/otlp/v1/metrics" && path != "/v1/traces" && !strings.HasSuffix(path, "/Export") {
			sent = snappy.Encode(nil, body)
		}
		media := protobuf
		if isJSON {
			media = "application/json"
		}
		w := httptest.NewRecorder()
		r := push(path, media, encoding, sent)
		r.Header.Set("Grpc-Encoding", encoding)
		guard.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.Contains(t, []string{"", "snappy", "gzip", "deflate", "zstd", "lz4"}, r.Header.Get("Content-Encoding"))
			decode(path, isJSON, got)
		})).ServeHTTP(w, r)
	})
}

func packFor(encoding string, body []byte) []byte {
	switch encoding {
	case "snappy":
		return snappy.Encode(nil, body)
	case "gzip":
		return gz(body)
	case "deflate":
		return deflated(body)
	case "zstd":
		return zstded(body)
	case "lz4":
		return lz4ed(body)
	}
	return body
}

// Arbitrary bytes as compressed data, to fuzz the decompressors themselves.
func FuzzUnpack(f *testing.F) {
	for e, encoding := range encodings {
		f.Add(e, packFor(encoding, []byte("hello hello hello hello")))
		f.Add(e, packFor(encoding, make([]byte, 1<<16)))
	}
	guard := bounds.NewGuard(64 << 20)
	f.Fuzz(func(t *testing.T, how int, body []byte) {
		encoding := encodings[uint(how)%uint(len(encodings))]
		w := httptest.NewRecorder()
		guard.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			require.NoError(t, err)
		})).ServeHTTP(w, push("/otlp/v1/logs", protobuf, encoding, body))
	})
}
