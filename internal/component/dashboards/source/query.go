package source

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
	"github.com/ausguck/ausguck/internal/component/dashboards/expr"
	"github.com/ausguck/ausguck/internal/grafana"
)

const (
	maxQueries      = 200 // per request
	parallelQueries = 4
)

type queryRequest struct {
	From    json.RawMessage   `json:"from"`
	To      json.RawMessage   `json:"to"`
	Queries []json.RawMessage `json:"queries"`
}

// plannedQuery is one query with its data source; an expression has none.
type plannedQuery struct {
	dsquery.Query
	source   *Datasource
	raw      json.RawMessage
	from, to time.Time
	caller   *http.Request
}

// queryAPI serves queries.
type queryAPI struct{ *Sources }

// answer serves POST /api/ds/query: 200 if all queries succeeded, 400 if all failed, otherwise 207.
func (s queryAPI) answer(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	var body queryRequest
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	plan, err := s.planAll(r, body)
	if err != nil {
		return err
	}
	code, results := s.results(r.Context(), plan)
	return grafana.Reply(w, code, results)
}

// planAll parses the queries of a request.
func (s queryAPI) planAll(r *http.Request, body queryRequest) ([]plannedQuery, error) {
	if len(body.Queries) == 0 {
		return nil, grafana.Fail(http.StatusBadRequest, "No queries found in query")
	}
	if len(body.Queries) > maxQueries {
		return nil, grafana.Fail(http.StatusBadRequest, "%d queries exceed the limit of %d", len(body.Queries), maxQueries)
	}
	plan := make([]plannedQuery, len(body.Queries))
	refs := map[string]bool{}
	for i, raw := range body.Queries {
		p, err := s.plan(raw, body)
		if err != nil {
			return nil, err
		}
		if p.RefID == "" {
			p.RefID = string(rune('A' + i%26))
		}
		if refs[p.RefID] {
			return nil, grafana.Fail(http.StatusBadRequest, "refId %q is used twice", p.RefID)
		}
		refs[p.RefID] = true
		p.caller = r
		plan[i] = p
	}
	tables := slices.DeleteFunc(slices.Clone(plan), func(p plannedQuery) bool { return p.Format != "table" || p.Hide })
	for i := range plan {
		plan[i].OneOfTables = len(tables) > 1
	}
	return plan, nil
}

// results runs the queries of a request; the code indicates how many of them failed.
func (s queryAPI) results(ctx context.Context, plan []plannedQuery) (code int, body any) {
	results := s.answerAll(ctx, plan)
	failed := 0
	for _, res := range results {
		if res.Status >= 300 {
			failed++
		}
	}
	code = http.StatusOK
	switch {
	case failed > 0 && failed == len(results):
		code = http.StatusBadRequest
	case failed > 0:
		code = http.StatusMultiStatus
	}
	return code, map[string]any{"results": results}
}

// plan parses one query. An error fails the whole request.
func (s queryAPI) plan(raw json.RawMessage, body queryRequest) (p plannedQuery, err error) {
	if err := json.Unmarshal(raw, &p.Query); err != nil {
		return p, grafana.Fail(http.StatusBadRequest, "bad request data: %v", err)
	}
	p.raw = raw
	if p.source, err = s.sourceOf(p.Query); err != nil {
		return p, err
	}
	from, to := timeText(body.From), timeText(body.To)
	if p.TimeRange != nil {
		from, to = p.TimeRange.From, p.TimeRange.To
	}
	now := s.o.Now()
	if p.from, err = dsquery.ParseTime(cmp.Or(from, "now-1h"), now, false); err != nil {
		return p, grafana.Fail(http.StatusBadRequest, "from: %v", err)
	}
	if p.to, err = dsquery.ParseTime(cmp.Or(to, "now"), now, true); err != nil {
		return p, grafana.Fail(http.StatusBadRequest, "to: %v", err)
	}
	if p.to.Before(p.from) {
		return p, grafana.Fail(http.StatusBadRequest, "from (%s) is after to (%s)", grafana.Stamped(p.from), grafana.Stamped(p.to))
	}
	return p, nil
}

// timeText accepts a time written as a string or as a number.
func timeText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return strings.TrimSpace(string(raw))
}

// oldExprUID is the data source uid of expressions in old dashboards.
const oldExprUID = "-100"

// sourceOf returns the data source of a query, given as {"type", "uid"}, a name or a numeric id, or the default. An
// expression has none.
func (s queryAPI) sourceOf(q dsquery.Query) (*Datasource, error) {
	var ref struct{ Type, UID string }
	var name string
	if json.Unmarshal(q.Datasource, &name) == nil {
		ref.UID = name
	} else if len(q.Datasource) > 0 {
		_ = json.Unmarshal(q.Datasource, &ref)
	}
	if ref.UID == expr.UID || ref.Type == expr.UID || ref.UID == oldExprUID {
		return nil, nil
	}
	var d *Datasource
	switch {
	case ref.UID != "":
		if d = s.list().byUID(ref.UID); d == nil {
			d = s.list().byName(ref.UID)
		}
	case q.DatasourceID != 0:
		d = s.list().byID(q.DatasourceID)
	case ref.Type != "":
		d = s.list().ofType(ref.Type)
	default:
		d = s.list().theDefault()
	}
	if d == nil {
		return nil, grafana.Fail(http.StatusNotFound, "Data source not found").With("messageId", "datasource.notFound")
	}
	return d, nil
}

// answerAll runs the queries; if there are expressions, hidden queries that no expression needs are skipped.
func (s queryAPI) answerAll(ctx context.Context, plan []plannedQuery) map[string]dsquery.Response {
	if !slices.ContainsFunc(plan, func(p plannedQuery) bool { return p.source == nil }) {
		return s.runAll(ctx, plan)
	}
	queries := make([]expr.Query, len(plan))
	for i, p := range plan {
		queries[i] = expr.Query{RefID: p.RefID, Expression: p.source == nil, Hide: p.Hide, Raw: p.raw, From: p.from, To: p.to}
	}
	return expr.Run(ctx, queries, func(ctx context.Context, refIDs []string) map[string]dsquery.Response {
		return s.runAll(ctx, slices.DeleteFunc(slices.Clone(plan), func(p plannedQuery) bool { return !slices.Contains(refIDs, p.RefID) }))
	})
}

func (s queryAPI) runAll(ctx context.Context, plan []plannedQuery) map[string]dsquery.Response {
	results := map[string]dsquery.Response{}
	var mtx sync.Mutex
	var wg sync.WaitGroup
	places := make(chan struct{}, parallelQueries)
	for _, p := range plan {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			res := s.run(ctx, p)
			mtx.Lock()
			defer mtx.Unlock()
			results[p.RefID] = res
		})
	}
	wg.Wait()
	return results
}

func (s queryAPI) run(ctx context.Context, p plannedQuery) dsquery.Response {
	client, err := s.asker.client(p.source, p.caller)
	if err != nil {
		return dsquery.Fail(http.StatusBadGateway, fmt.Errorf("datasource %q: %w", p.source.Name, err))
	}
	ctx, cancel := context.WithTimeout(ctx, client.timeout)
	defer cancel()
	src := dsquery.Source{Type: p.source.Type, TimeInterval: p.source.text("timeInterval"), Do: s.asker.caller(client)}
	if n, err := json.Number(p.source.text("maxLines")).Int64(); err == nil {
		src.MaxLines = int(n)
	}
	if u, err := url.Parse(p.source.URL); err == nil && len(client.params) == 0 {
		if src.Engine = s.o.Engine(u.Host); src.Engine != nil {
			src.Ranges = s.ranges
		}
	}
	return dsquery.Run(ctx, src, p.Query, p.from, p.to)
}
