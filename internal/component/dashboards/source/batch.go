package source

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"

	"github.com/ausguck/ausguck/internal/grafana"
)

const (
	maxBatch = 100 // requests of one batch
	// parallelRequests is how many requests of a batch are answered at a time: as many as a browser asks of one host.
	parallelRequests = 6
)

// batchRequest are requests as /api/ds/query takes them, in one.
type batchRequest struct {
	// ID names the batch while it is answered, so that requests of it can be cancelled; empty for one where nobody will.
	ID       string         `json:"id"`
	Requests []queryRequest `json:"requests"`
}

// batchAnswer is a line of the answer to a batch: what /api/ds/query would have answered to one of its requests.
type batchAnswer struct {
	Request int `json:"request"`
	Status  int `json:"status"`
	Body    any `json:"body"`
}

// batch answers POST /api/ausguck/query: a line of JSON for each request, in the order in which they are answered, so that none
// waits for a slower one. A dashboard asks for all its panels by it.
func (s queryAPI) batch(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var body batchRequest
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	if len(body.Requests) == 0 || len(body.Requests) > maxBatch {
		return grafana.Fail(http.StatusBadRequest, "requests: a batch has 1 to %[2]d requests, not %[1]d", len(body.Requests), maxBatch)
	}
	queries := 0
	for _, one := range body.Requests {
		queries += len(one.Queries)
	}
	if queries > maxQueries {
		return grafana.Fail(http.StatusBadRequest, "%d queries exceed the limit of %d for a batch", queries, maxQueries)
	}
	contexts, end, err := s.batches.begin(r.Context(), c, body.ID, len(body.Requests))
	if err != nil {
		return err
	}
	defer end()
	flush := http.NewResponseController(w).Flush
	grafana.BeginLines(w)
	_ = flush()
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for a := range s.answers(r, body.Requests, contexts) {
		// An error is one of the connection: its end cancels what is still being answered.
		if lines.Encode(a) == nil {
			_ = flush()
		}
	}
	return nil
}

// answers answers each request in its context, and is closed when all are. What was cancelled has no answer.
func (s queryAPI) answers(r *http.Request, requests []queryRequest, contexts []context.Context) <-chan batchAnswer {
	answers := make(chan batchAnswer)
	places := make(chan struct{}, parallelRequests)
	var wg sync.WaitGroup
	for i, one := range requests {
		wg.Go(func() {
			ctx := contexts[i]
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
			case <-ctx.Done():
				return
			}
			code, body := s.one(ctx, r, one)
			if ctx.Err() == nil {
				answers <- batchAnswer{i, code, body}
			}
		})
	}
	go func() {
		wg.Wait()
		close(answers)
	}()
	return answers
}

// one is what /api/ds/query answers to a request.
func (s queryAPI) one(ctx context.Context, r *http.Request, body queryRequest) (code int, answer any) {
	plan, err := s.planAll(r, body)
	if refused := (*grafana.Error)(nil); errors.As(err, &refused) {
		return refused.Code, refused
	}
	return s.results(ctx, plan)
}

// cancel answers DELETE /api/ausguck/query/{id}?request=…: who has asked does not wait for those requests of the batch any more.
// It is no error that they have been answered meanwhile.
func (s queryAPI) cancel(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	for _, text := range r.URL.Query()["request"] {
		i, err := grafana.ParseID("request", text)
		if err != nil {
			return err
		}
		s.batches.cancel(c, r.PathValue("id"), i)
	}
	return grafana.Message(w, "The requests are not waited for")
}

// batches are those that are being answered. The zero value has none.
type batches struct {
	mtx     sync.Mutex
	running map[batchKey][]context.CancelFunc
}

// batchKey keeps callers from cancelling what others have asked.
type batchKey struct{ caller, id string }

// begin returns a context for each of count requests; end has to be called when they are answered.
func (b *batches) begin(ctx context.Context, c grafana.Caller, id string, count int) (contexts []context.Context, end func(), err error) {
	ctx, cancelAll := context.WithCancel(ctx)
	cancels := make([]context.CancelFunc, count)
	contexts = make([]context.Context, count)
	for i := range contexts {
		contexts[i], cancels[i] = context.WithCancel(ctx)
	}
	if id == "" {
		return contexts, cancelAll, nil
	}
	key := batchKey{cmp.Or(c.UID, c.Login), id}
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if !grafana.LegalUID(id) || b.running[key] != nil {
		cancelAll()
		return nil, nil, grafana.Fail(http.StatusBadRequest, "id: %q is used by another batch, or is not at most %d letters and digits", id, grafana.MaxUIDLength)
	}
	if b.running == nil {
		b.running = map[batchKey][]context.CancelFunc{}
	}
	b.running[key] = cancels
	return contexts, func() {
		cancelAll()
		b.mtx.Lock()
		defer b.mtx.Unlock()
		delete(b.running, key)
	}, nil
}

func (b *batches) cancel(c grafana.Caller, id string, request int64) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if running := b.running[batchKey{cmp.Or(c.UID, c.Login), id}]; request >= 0 && request < int64(len(running)) {
		running[request]()
	}
}
