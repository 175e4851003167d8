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
	maxBatch = 100 // requests per batch
	// parallelRequests is the number of requests of a batch that run concurrently: as many as a browser sends to one host.
	parallelRequests = 6
)

// batchRequest combines several requests in the format of /api/ds/query.
type batchRequest struct {
	// ID identifies the batch while it runs, so that its requests can be canceled; empty if they never will be.
	ID       string         `json:"id"`
	Requests []queryRequest `json:"requests"`
}

// batchAnswer is one line of the response to a batch: the response of /api/ds/query to one of its requests.
type batchAnswer struct {
	Request int `json:"request"`
	Status  int `json:"status"`
	Body    any `json:"body"`
}

// batch serves POST /api/ausguck/query. It returns one line of JSON for each request, in order of completion, so that
// no request waits for a slower one. A dashboard uses it for the queries of all its panels.
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
		// Errors are connection errors: when the connection ends, the remaining requests are canceled.
		if lines.Encode(a) == nil {
			_ = flush()
		}
	}
	return nil
}

// answers runs each request in its context and closes the channel when all are done. Canceled requests have no answer.
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

// one returns the response of /api/ds/query to a request.
func (s queryAPI) one(ctx context.Context, r *http.Request, body queryRequest) (code int, answer any) {
	plan, err := s.planAll(r, body)
	if refused := (*grafana.Error)(nil); errors.As(err, &refused) {
		return refused.Code, refused
	}
	return s.results(ctx, plan)
}

// cancel serves DELETE /api/ausguck/query/{id}?request=…: the client no longer needs these requests of the batch.
// Requests that have already completed are not an error.
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

// batches are the running batches. The zero value is empty.
type batches struct {
	mtx     sync.Mutex
	running map[batchKey][]context.CancelFunc
}

// batchKey prevents callers from canceling the requests of others.
type batchKey struct{ caller, id string }

// begin returns a context for each of count requests; end must be called when they are done.
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
