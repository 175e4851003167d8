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
	// maxPush bounds what is pushed, as it is sent; maxBody all other bodies.
	maxPush = 64 << 20
	maxBody = 16 << 20
	// maxUnpacked bounds what is pushed, unpacked.
	maxUnpacked = 128 << 20
	// maxDecoded bounds the memory that one request takes when it is decoded.
	maxDecoded = 512 << 20
)

// Guard stands in front of HTTP handlers. It reads each body, bounds its size, packed and unpacked, and how deep its
// values nest, and bounds the memory of all that are decoded at the same time. A handler gets the body unpacked, but
// for snappy, which its decoder insists on. Safe for concurrent use.
type Guard struct{ memory *budget }

// NewGuard returns a Guard that lets requests take so many bytes while they are decoded, together; 0 is an eighth of
// GOMEMLIMIT, at most 1 GiB. One Guard belongs in front of all listeners of a process.
func NewGuard(memory int64) *Guard {
	if memory == 0 {
		memory = defaultMemory()
	}
	return &Guard{newBudget(memory)}
}

// Handler answers 400 or 413 with the limit in the text to requests whose bodies would take the process down, 503 while
// others take all the memory; next answers the rest. It belongs behind what asks for credentials.
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

// check reads the body, looks at it, and puts what next shall read in its place.
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
		encoding = "snappy" // Loki and Prometheus insist on it, said or not
	}
	room := min(maxUnpacked, g.memory.total/2)
	content, known, err := unpack(body, encoding, room)
	switch {
	case err != nil:
		return leave(r, err)
	case !known:
		setBody(r, body) // the handler knows it, or refuses it
		return nil
	}
	most = min(maxDecoded, g.memory.total)
	var cost int64
	switch {
	case kind.schema != nil && !kind.json:
		if kind.snappy && encoding != "snappy" {
			// Loki takes a snappy block in gzip.
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

// leave returns an error that says which limit was reached. What merely cannot be unpacked is for the handler to refuse,
// which may be switched off or want other rights: instead of the bytes it gets some that no encoding begins with.
func leave(r *http.Request, err error) error {
	if Is(err) {
		return err
	}
	setBody(r, bytes.Repeat([]byte{0xff}, 32)) // as long as any header, so that decoders say what is wrong with it
	return nil
}

func setBody(r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}

// kind is what a body is, by its path and type.
type kind struct {
	schema *message // nil for all that is not pushed
	snappy bool     // the protobuf form is a snappy block
	json   bool
	framed bool // a message of gRPC
}

// kindOf decides by the end of the path, as the same handlers are below several.
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
		// As Grafana and Alertmanager say it; who pushes reads text.
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": text}) // the client has gone
		return
	}
	http.Error(w, text, code)
}

// holding is what one request has taken of the budget.
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

// read reads r to its end. What it has read counts at once, so that many slow senders cannot fill the memory, and twice:
// a buffer that grows leaves its smaller self to the garbage collector.
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
