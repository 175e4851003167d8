package bounds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const (
	// maxPush limits pushed data as sent; maxBody limits all other bodies.
	maxPush = 64 << 20
	maxBody = 16 << 20
	// maxUnpacked limits pushed data after decompression.
	maxUnpacked = 128 << 20
	// maxDecoded limits the memory that decoding one request may use.
	maxDecoded = 512 << 20
)

// Guard protects HTTP handlers. It reads each body, limits its size, compressed and uncompressed, and the nesting of its values,
// and limits the memory of all bodies that are decoded at the same time. The handler gets the body uncompressed, except for
// snappy, which its decoder requires. It is safe for concurrent use.
type Guard struct{ memory *budget }

// NewGuard returns a Guard that lets all requests together use the given number of bytes while they are decoded; 0 means an
// eighth of GOMEMLIMIT, at most 1 GiB. Use one Guard for all listeners of a process.
func NewGuard(memory int64) *Guard {
	if memory == 0 {
		memory = defaultMemory()
	}
	return &Guard{newBudget(memory)}
}

// Handler responds with 400 or 413 and the name of the limit to requests whose bodies would crash the process, and with 503 while
// other requests use all the memory; it passes the rest on to next. Requests should be authenticated first.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		held := &holding{budget: g.memory, ctx: r.Context()}
		defer held.release()
		if err := g.check(w, r, held); err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// check reads and checks the body, and replaces it with what next is to read.
func (g *Guard) check(w http.ResponseWriter, r *http.Request, held *holding) error {
	kind := kindOf(r)
	most := int64(maxBody)
	if kind.schema != nil {
		most = min(maxPush, g.memory.total/2)
	}
	if r.ContentLength > most {
		return &http.MaxBytesError{Limit: most}
	}
	body, err := held.read(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return err
	}
	encoding := r.Header.Get("Content-Encoding")
	if kind.framed {
		return checkFrame(r, held, kind, body)
	}
	if kind.snappy && encoding == "" && !kind.json {
		encoding = "snappy" // Loki and Prometheus require it, with or without the header
	}
	room := min(maxUnpacked, g.memory.total/2)
	content, known, err := unpack(body, encoding, room)
	switch {
	case err != nil:
		return leave(r, err)
	case !known:
		setBody(r, body) // the handler supports the encoding, or rejects it
		return nil
	}
	most = min(maxDecoded, g.memory.total)
	var cost int64
	switch {
	case kind.schema != nil && !kind.json:
		if kind.snappy && encoding != "snappy" {
			// Loki accepts a snappy block inside gzip.
			if content, err = unpackSnappy(content, room); err != nil {
				return leave(r, err)
			}
		}
		cost, err = checkProto(content, kind.schema, most)
	case kind.json || looksLikeJSON(content):
		cost, err = checkJSON(content, most)
	}
	if err != nil {
		return err
	}
	if !held.take(max(cost-held.taken, 0)) {
		return errBusy
	}
	if encoding != "" && encoding != "snappy" && (!kind.snappy || kind.json) {
		r.Header.Del("Content-Encoding")
		body = content
	}
	setBody(r, body)
	return nil
}

// leave returns an error that names the limit. Data that merely cannot be decompressed is for the handler to reject, because it
// may be disabled or require other permissions: it gets bytes that are not the beginning of any encoding.
func leave(r *http.Request, err error) error {
	if Is(err) {
		return err
	}
	setBody(r, bytes.Repeat([]byte{0xff}, 32)) // as long as any header, so that decoders report what is wrong
	return nil
}

func setBody(r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}

// kind is the format of a body, determined by its path and type.
type kind struct {
	schema *message // nil for everything that is not pushed
	snappy bool     // the protobuf form is compressed as a snappy block
	json   bool
	framed bool // a gRPC message
}

// kindOf uses the end of the path, because the same handlers are registered below several prefixes.
func kindOf(r *http.Request) (k kind) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	k.json = media == "application/json"
	path := strings.TrimRight(r.URL.Path, "/")
	switch {
	case strings.HasSuffix(path, "/v1/write"):
		k.schema, k.snappy, k.json = remoteWrite, true, false
	case strings.HasSuffix(path, "/v1/read"):
		k.schema, k.snappy, k.json = remoteRead, true, false
	case strings.HasSuffix(path, "/push"):
		k.schema, k.snappy = lokiPush, true
	case strings.HasSuffix(path, "/v1/logs"):
		k.schema = otlpLogs
	case strings.HasSuffix(path, "/v1/metrics"):
		k.schema = otlpMetrics
	case strings.HasSuffix(path, "/v1/traces"):
		k.schema = otlpTraces
	case strings.HasSuffix(path, ".LogsService/Export"):
		k.schema, k.framed = otlpLogs, true
	case strings.HasSuffix(path, ".MetricsService/Export"):
		k.schema, k.framed = otlpMetrics, true
	case strings.HasSuffix(path, ".TraceService/Export"):
		k.schema, k.framed = otlpTraces, true
	}
	return k
}

func looksLikeJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

var errBusy = errors.New("too many large requests are being read at the same time; try again")

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var large *http.MaxBytesError
	var unpacked *tooLarge
	var unknown *unknownEncoding
	code, text := http.StatusBadRequest, err.Error()
	switch {
	case errors.Is(err, errBusy):
		code = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "5")
	case errors.As(err, &large):
		code, text = http.StatusRequestEntityTooLarge, "the request is larger than "+strconv.FormatInt(large.Limit>>20, 10)+" MiB"
	case errors.As(err, &unpacked):
		code = http.StatusRequestEntityTooLarge
	case errors.As(err, &unknown):
		code = http.StatusUnsupportedMediaType
	}
	path := r.URL.Path
	if strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/api/v1/") && !strings.HasPrefix(path, "/api/prom/") {
		// In the format of Grafana and Alertmanager; clients that push read text.
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": text}) // fails only if the client has disconnected
		return
	}
	http.Error(w, text, code)
}

// holding is the share of the budget that one request has taken.
type holding struct {
	budget *budget
	ctx    context.Context
	taken  int64
}

func (h *holding) take(n int64) bool {
	if !h.budget.take(h.ctx, n) {
		return false
	}
	h.taken += n
	return true
}

func (h *holding) release() { h.budget.give(h.taken) }

// read reads r to its end. It counts the bytes immediately, so that many slow clients cannot fill the memory, and twice, because
// a growing buffer leaves its smaller predecessor to the garbage collector.
func (h *holding) read(r io.Reader) ([]byte, error) {
	const step = 1 << 20
	var body bytes.Buffer
	for {
		n, err := io.CopyN(&body, r, step)
		if n == step && !h.take(2*step) {
			return nil, errBusy
		}
		if errors.Is(err, io.EOF) {
			return body.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}
