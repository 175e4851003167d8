package promserver

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

var refreshes = flag.Int("refreshes", 1500, "How many refreshes TestKeptAnswers draws.")

// A panel that is refreshed shows what it would show without a cache, whatever happens to the samples in between. Each
// refresh runs a random query on random samples twice: with the cached results, and without.
func TestKeptAnswers(t *testing.T) {
	const perWorld = 150
	var asked, reused uint64
	failed := 0
	for seed := uint64(1); int(seed-1)*perWorld < *refreshes; seed++ {
		w := newDrawnWorld(t, seed)
		for range perWorld {
			w.happen()
			if diff := w.refresh(); diff != "" {
				t.Errorf("seed %d: %s", seed, diff)
				if failed++; failed > 5 {
					t.FailNow()
				}
			}
		}
		_, a, r := w.ranges.Used()
		asked, reused = asked+a, reused+r
	}
	require.Greater(t, float64(reused)/float64(asked), 0.3, "steps that did not have to be computed")
	t.Attr("figure", fmt.Sprintf("answers that are kept: %d refreshes, %.0f %% of the steps were not computed again", *refreshes, 100*float64(reused)/float64(asked)))
}

// drawnWorld is a storage, the engine that queries it, and a dashboard, all of them random.
type drawnWorld struct {
	t        *testing.T
	rnd      *rand.Rand
	time     time.Time // of the samples
	db       *tsdb.DB
	changes  *Changes
	engine   *promql.Engine
	parser   parser.Parser
	ranges   *dsquery.Ranges
	panels   []drawnPanel
	last     drawnPanel // the panel refreshed last
	series   []*drawnSeries
	lastName int
	calm     int // how much less often events happen than they could
}

type drawnPanel struct {
	query string
	step  time.Duration
	span  time.Duration
}

type drawnSeries struct {
	labels labels.Labels
	value  float64
	native bool
	stored time.Time // of the last sample
	silent int       // number of rounds in which it has no samples
}

func newDrawnWorld(t *testing.T, seed uint64) *drawnWorld {
	w := &drawnWorld{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), ranges: dsquery.NewRanges(4 << 20), parser: newParser(parser.Options{EnableExperimentalFunctions: true})}
	w.time, w.calm = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1+8*w.rnd.IntN(3)
	opts := tsdb.DefaultOptions()
	opts.MinBlockDuration, opts.MaxBlockDuration = (20 * time.Minute).Milliseconds(), (3 * time.Hour).Milliseconds()
	opts.RetentionDuration = (40 * time.Minute).Milliseconds()
	opts.OutOfOrderTimeWindow = []int64{0, (10 * time.Minute).Milliseconds()}[w.rnd.IntN(2)]
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, opts, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.DisableCompactions() // automatic ones: the world triggers them
	w.db = db
	w.changes = &Changes{}
	w.changes.watch(func() (ids []ulid.ULID) {
		for _, b := range db.Blocks() {
			ids = append(ids, b.Meta().ULID)
		}
		return ids
	})
	w.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, NoStepSubqueryIntervalFn: func(int64) int64 { return 15_000 },
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: w.parser,
	})
	for i := range 3 {
		for _, kind := range []string{"c_total", "d_total", "g", "h", "b_bucket", "b_bucket"} {
			ls := []string{"__name__", kind, "job", fmt.Sprint("j", i%2), "instance", fmt.Sprint("i", i)}
			if kind == "b_bucket" {
				ls = append(ls, "le", []string{"1", "+Inf"}[len(w.series)%2])
			}
			w.series = append(w.series, &drawnSeries{labels: labels.FromStrings(ls...), native: kind == "h"})
		}
	}
	for range 8 {
		w.panels = append(w.panels, drawnPanel{
			query: w.query(3),
			step:  time.Duration(15*(1+w.rnd.IntN(4))) * time.Second,
			span:  time.Duration(5+w.rnd.IntN(55)) * time.Minute,
		})
	}
	w.last = w.panels[0]
	for range 60 {
		w.scrape(15 * time.Second)
	}
	return w
}

// happen lets time pass, and triggers a random event.
func (w *drawnWorld) happen() {
	for range w.rnd.IntN(8) {
		w.scrape(15 * time.Second)
	}
	switch w.rnd.IntN(24 * w.calm) {
	case 0: // a client that was offline sends its samples
		w.late(time.Duration(w.rnd.IntN(600)) * time.Second)
	case 1:
		w.late(time.Duration(w.rnd.IntN(60)) * time.Minute)
	case 2:
		s := w.series[w.rnd.IntN(len(w.series))]
		from := w.time.Add(-time.Duration(w.rnd.IntN(3600)) * time.Second)
		require.NoError(w.t, w.db.Delete(w.t.Context(), from.UnixMilli(), from.Add(time.Duration(w.rnd.IntN(600))*time.Second).UnixMilli(),
			labels.MustNewMatcher(labels.MatchEqual, "__name__", s.labels.Get("__name__"))))
		w.changes.everything()
	case 3, 7, 8:
		require.NoError(w.t, w.db.Compact(w.t.Context()))
	case 6: // a target disappears
		s := w.series[w.rnd.IntN(len(w.series))]
		s.silent = 1 + w.rnd.IntN(60)
		if w.rnd.IntN(2) == 0 && s.stored.Before(w.time) {
			w.commit(func(app storage.Appender) {
				w.append(app, s, w.time.Add(-time.Duration(w.rnd.IntN(14))*time.Second), true)
			})
		}
	}
}

// scrape stores a sample of each series, the given time after the last one.
func (w *drawnWorld) scrape(after time.Duration) {
	w.time = w.time.Add(after)
	w.commit(func(app storage.Appender) {
		for _, s := range w.series {
			if s.silent > 0 {
				s.silent--
				continue
			}
			w.append(app, s, w.time.Add(-time.Duration(w.rnd.IntN(900))*time.Millisecond), false)
		}
	})
}

// late stores samples that are older than now, as far as the storage accepts them.
func (w *drawnWorld) late(age time.Duration) {
	s := w.series[w.rnd.IntN(len(w.series))]
	if w.rnd.IntN(3) == 0 { // a new series
		w.lastName++
		s = &drawnSeries{labels: labels.FromStrings("__name__", "g", "job", "late", "instance", fmt.Sprint(w.lastName))}
	}
	w.commit(func(app storage.Appender) {
		for at := w.time.Add(-age); at.Before(w.time); at = at.Add(15 * time.Second) {
			w.append(app, s, at, false)
		}
	})
}

func (w *drawnWorld) commit(add func(storage.Appender)) {
	app := w.changes.Appender(w.db.Appender(w.t.Context()))
	add(app)
	require.NoError(w.t, app.Commit())
}

func (w *drawnWorld) append(app storage.Appender, s *drawnSeries, at time.Time, stale bool) {
	s.value += float64(w.rnd.IntN(100)) / 10
	if w.rnd.IntN(200) == 0 {
		s.value = 0 // a counter is reset
	}
	v := s.value
	if s.labels.Get("__name__") == "g" {
		v = w.rnd.NormFloat64()
	}
	var h *histogram.Histogram
	if s.native {
		h = tsdbutil.GenerateTestHistogram(int64(s.value))
	}
	var err error
	switch {
	case stale && s.native:
		_, err = app.AppendHistogram(0, s.labels, at.UnixMilli(), &histogram.Histogram{Sum: math.Float64frombits(value.StaleNaN)}, nil)
	case stale:
		_, err = app.Append(0, s.labels, at.UnixMilli(), math.Float64frombits(value.StaleNaN))
	case s.native:
		_, err = app.AppendHistogram(0, s.labels, at.UnixMilli(), h, nil)
	default:
		_, err = app.Append(0, s.labels, at.UnixMilli(), v)
	}
	if err == nil { // samples that are too old or out of order are rejected
		s.stored = at
	}
}

// query returns a random expression whose results are cached.
func (w *drawnWorld) query(depth int) string {
	pick := func(of ...string) string { return of[w.rnd.IntN(len(of))] }
	selector := func() string {
		return pick("c_total", "d_total", "g", "g", "b_bucket", "h", `{__name__=~"c_total|d_total"}`) + pick("", "", `{job="j0"}`, `{instance=~"i[01]"}`, `{job!="j0"}`)
	}
	for {
		text := selector()
		if strings.HasPrefix(text, "{__name__") {
			text = `{__name__=~"c_total|d_total"}`
		}
		window := pick("[1m]", "[5m]", "[10m]")
		modifier := pick("", "", "", "", "", "", " offset 3m", pick(" offset -2m", " @ 1767226500", " @ end()", " @ start()"))
		switch w.rnd.IntN(6) {
		case 0:
			text += modifier
		case 1, 2:
			text = pick("rate", "increase", "irate", "delta", "resets", "changes", "count_over_time", "last_over_time", "present_over_time") + "(" + pick(text, "c_total", "c_total", "h", `b_bucket{instance="i0"}`) + window + modifier + ")"
		case 3:
			text = pick("avg_over_time", "max_over_time", "sum_over_time", "stddev_over_time", "deriv", "idelta") + "(" + pick("g", "c_total") + window + modifier + ")"
		case 4:
			text = pick("max_over_time", "avg_over_time") + "(" + pick("rate(c_total[2m])", "g", "sum by (job) (g)", "(c_total or d_total)") + pick("[5m:1m]", "[5m:]", "[7m:40s]") + modifier + ")"
		case 5:
			text = pick("absent", "timestamp", "abs", "ceil", "histogram_count") + "(" + text + modifier + ")"
		}
		for range w.rnd.IntN(depth) {
			switch w.rnd.IntN(10) {
			case 0, 1:
				text = pick("sum", "avg", "max", "count", "group", "stdvar") + pick("", " by (job)", " without (instance)") + " (" + text + ")"
			case 2:
				text = pick("topk", "bottomk", "limitk") + "(2, " + text + ")"
			case 3:
				text = text + pick(" + ", " - ", " / ", " > ", " == bool ", " and ", " or ", " unless ") + pick("g", "c_total", "d_total", "1", "time()", "scalar(sum(g))", "on (job, instance) g", "on (instance) group_left c_total")
			case 4:
				text = `label_replace(` + text + `, "x", "$1", "instance", "(.).*")`
			case 5:
				text = `label_replace(` + text + `, "instance", "same", "job", "j0")`
			case 6:
				text = "histogram_quantile(0.9, " + pick("sum by (le, job) (rate(b_bucket[5m]))", "rate(h[5m])", "sum(rate(h[3m]))") + ")"
			case 7:
				text = "quantile(0.5, " + text + ")"
			case 8:
				text = "-(" + text + ")"
			case 9:
				text = `count_values("v", ` + text + ")"
			}
		}
		if w.Stepwise(text) { // the results of all others are not cached
			return text
		}
	}
}

// refresh runs a panel's query with and without the cache, and returns how the results differ.
func (w *drawnWorld) refresh() string {
	if w.rnd.IntN(3) == 0 {
		w.last = w.panels[w.rnd.IntN(len(w.panels))]
	}
	p := w.last
	to := w.time.Add(time.Duration(w.rnd.IntN(60)-20) * time.Second)
	if w.rnd.IntN(20) == 0 { // the user looks at a different time
		to = to.Add(-time.Duration(w.rnd.IntN(90)) * time.Minute)
	}
	if w.rnd.IntN(30) == 0 {
		to = to.Add(time.Hour)
	}
	q := dsquery.Query{RefID: "A", Expr: p.query, Interval: p.step.String(), MaxDataPoints: 5000, IntervalMs: float64(p.step.Milliseconds())}
	src := dsquery.Source{Type: "prometheus", Do: w.ask}
	want := dsquery.Run(w.t.Context(), src, q, to.Add(-p.span), to)
	src.Ranges, src.Engine = w.ranges, w
	got := dsquery.Run(w.t.Context(), src, q, to.Add(-p.span), to)
	if d := differ(want, got); d != "" {
		return fmt.Sprintf("%s, step %v, %v to %v: %s", p.query, p.step, p.span, to, d)
	}
	return ""
}

func (w *drawnWorld) Stepwise(query string) bool {
	expr, err := w.parser.ParseExpr(query)
	return err == nil && stepwise(expr)
}

func (w *drawnWorld) Mark() uint64                   { return w.changes.Mark() }
func (w *drawnWorld) ChangedSince(mark uint64) int64 { return w.changes.ChangedSince(mark) }

// ask responds like the API.
func (w *drawnWorld) ask(ctx context.Context, _ string, form url.Values) (*http.Response, error) {
	at := func(key string) time.Time {
		f, err := strconv.ParseFloat(form.Get(key), 64)
		require.NoError(w.t, err)
		return time.UnixMilli(int64(math.Round(f * 1000)))
	}
	step, err := strconv.ParseFloat(form.Get("step"), 64)
	require.NoError(w.t, err)
	q, err := w.engine.NewRangeQuery(ctx, w.db, nil, form.Get("query"), at("start"), at("end"), time.Duration(step*float64(time.Second)))
	require.NoError(w.t, err)
	defer q.Close()
	res := q.Exec(ctx)
	answer := map[string]any{"status": "success", "data": map[string]any{"resultType": "matrix", "result": res.Value}}
	status := http.StatusOK
	if res.Err != nil {
		status, answer = http.StatusUnprocessableEntity, map[string]any{"status": "error", "errorType": "execution", "error": res.Err.Error()}
	} else {
		answer["warnings"], answer["infos"] = res.Warnings.AsStrings(form.Get("query"), 10, 10)
	}
	body, err := json.Marshal(answer)
	require.NoError(w.t, err)
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// differ returns how two responses differ, ignoring differences due to the order in which numbers are added.
func differ(want, got dsquery.Response) string {
	if want.Status != got.Status || want.Error != got.Error {
		return fmt.Sprintf("status %d %q, kept %d %q", want.Status, want.Error, got.Status, got.Error)
	}
	if len(want.Frames) != len(got.Frames) {
		return fmt.Sprintf("%d frames, kept %d", len(want.Frames), len(got.Frames))
	}
	for i, w := range want.Frames {
		g := got.Frames[i]
		shape := func(f *dsquery.Frame) string {
			text := fmt.Sprint(f.Name, f.Meta)
			for _, field := range f.Fields {
				text += fmt.Sprint(field.Name, field.Labels, field.Times)
			}
			return text
		}
		if a, b := shape(w), shape(g); a != b {
			return fmt.Sprintf("frame %d: %s, kept %s", i, a, b)
		}
		for j, field := range w.Fields {
			for k, v := range field.Numbers {
				if o := g.Fields[j].Numbers[k]; math.Abs(v-o) > 1e-9*math.Max(math.Abs(v), 1) || math.IsNaN(v) != math.IsNaN(o) {
					return fmt.Sprintf("frame %d: %v at %v, kept %v", i, v, w.Fields[0].Times[k], o)
				}
			}
		}
	}
	return ""
}

// However many events there are, ChangedSince never reports less for a mark than what changed since.
func TestManyChanges(t *testing.T) {
	c := &Changes{}
	rnd := rand.New(rand.NewPCG(1, 2))
	type event struct {
		mark uint64
		from int64
	}
	var all []event
	for range 5000 {
		from := int64(len(all)+rnd.IntN(20)) * grain
		all = append(all, event{c.Mark(), from})
		c.stored(from + int64(rnd.IntN(grain)))
	}
	require.LessOrEqual(t, len(c.events), maxChanges)
	exact, least := 0, int64(math.MaxInt64)
	for i := len(all) - 1; i >= 0; i-- {
		least = min(least, all[i].from)
		told := c.ChangedSince(all[i].mark)
		require.LessOrEqual(t, told, least)
		if told == least {
			exact++
		}
	}
	require.Greater(t, exact, maxChanges)
}
