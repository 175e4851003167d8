package logcollector

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/grafana/dskit/user"
	"github.com/grafana/loki/v3/clients/pkg/promtail/api"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/common/model"
)

// entry is a line with its labels, ready to be stored.
type entry struct {
	labels model.LabelSet
	at     time.Time
	line   string
	meta   []logproto.LabelAdapter // structured metadata
}

// batch is a run of lines from one source. It is stored as a whole, and then the source continues.
type batch struct {
	intent  *intent // nil for sources that cannot be read again
	entries []entry
	bytes   int
	look    bool // it is unknown whether the lines are stored: look first
	stored  chan error
}

// sender stores the batches of all sources, several in one push.
type sender struct {
	logger   *slog.Logger
	store    Store
	ledger   *ledger
	others   []*remote
	external model.LabelSet // of the destination being served
	metrics  *metrics
	in       chan *batch

	destinations []destination // nil for a single one without labels
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// send blocks until the batch is stored or ctx ends; in that case, whether it is stored is looked up at the next start.
// If a source has too many streams, only that source waits.
func (s *sender) send(ctx context.Context, b *batch) error {
	for said := false; ; said = true {
		b.stored = make(chan error, 1)
		select {
		case s.in <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := <-b.stored // run always replies, also when ctx ends
		if !isCrowded(err) {
			return err
		}
		if !said {
			s.logger.Warn("Lines of new streams are waiting: Loki's limit of streams is reached. Look for a label with unbounded values, or raise limits_config.max_global_streams_per_user",
				"source", b.source(), "err", shorten(err))
		}
		b.look = true // the lines of other streams are stored
		timer := time.NewTimer(lastRetry)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// source returns the name of the source of a batch's lines.
func (b *batch) source() string {
	if b.intent == nil {
		return ""
	}
	return b.intent.To.Path
}

// isCrowded reports whether the store cannot accept more streams.
func isCrowded(err error) bool {
	var full interface{ Crowded() bool }
	return errors.As(err, &full) && full.Crowded()
}

// run stores batches until ctx ends.
func (s *sender) run(ctx context.Context) {
	for {
		select {
		case b := <-s.in:
			group := s.company(ctx, b)
			err := s.storeGroup(ctx, group)
			for _, b := range group {
				if len(group) > 1 && (isCrowded(err) || errors.Is(err, errUntimely)) { // not because of all of them
					b.look = true
					b.stored <- s.storeGroup(ctx, []*batch{b})
					continue
				}
				b.stored <- err
			}
		case <-ctx.Done():
			return
		}
	}
}

// company waits briefly for batches of other sources, unless there is enough already.
func (s *sender) company(ctx context.Context, first *batch) []*batch {
	group, bytes := []*batch{first}, first.bytes
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for bytes < enoughBytes {
		select {
		case b := <-s.in:
			group, bytes = append(group, b), bytes+b.bytes
		case <-timer.C:
			return group
		case <-ctx.Done():
			return group
		}
	}
	return group
}

func (s *sender) storeGroup(ctx context.Context, group []*batch) error {
	var intents []intent
	var entries []entry
	look := false
	for _, b := range group {
		if b.intent != nil {
			intents = append(intents, *b.intent)
		}
		entries = append(entries, b.entries...)
		look = look || b.look || b.unsure()
	}
	if err := s.retry(ctx, "Cannot write what was collected; collecting waits", func() error { return s.ledger.begin(intents) }); err != nil {
		return err
	}
	timely := func() bool {
		now := s.ledger.clock.now()
		return !slices.ContainsFunc(intents, func(i intent) bool { return i.Base > 0 && !timely(i.Base, now) })
	}
	if err := s.push(ctx, entries, look, timely); err != nil {
		s.ledger.wait(intents) // also if another configuration continues
		return err
	}
	if err := s.ledger.done(intents); err != nil {
		s.logger.Warn("Cannot write the ledger of stored lines; the next start searches Loki for them", "err", err)
	}
	if err := s.ledger.sync(); err != nil {
		s.logger.Warn("Cannot sync the ledger of stored lines; after a power failure Loki is searched for them", "err", err)
	}
	for _, r := range s.others {
		r.offer(entries)
	}
	return nil
}

// unsure reports whether lines of the batch may already be stored, with their current times, because the ledger was
// damaged.
func (b *batch) unsure() bool {
	if b.intent == nil || b.intent.From.Unsure.empty() {
		return false
	}
	until := time.Unix(0, b.intent.From.Unsure.To)
	return slices.ContainsFunc(b.entries, func(e entry) bool { return !e.at.After(until) })
}

// errUntimely means that the store would now reject the times of the lines.
var errUntimely = errors.New("the timestamps of the lines are too far from the current time")

// push stores the entries at each destination as long as their times are accepted.
func (s *sender) push(ctx context.Context, entries []entry, look bool, timely func() bool) error {
	if len(s.destinations) == 0 {
		return s.pushTo(ctx, entries, look, timely)
	}
	var errs []error
	for _, share := range s.shares(entries) {
		errs = append(errs, s.toward(share.external).pushTo(user.InjectOrgID(ctx, share.tenant), share.entries, look, timely))
	}
	return errors.Join(errs...)
}

// pushTo stores the entries at one destination. If an attempt fails, some of them may have been stored, so the next
// attempt looks first.
func (s *sender) pushTo(ctx context.Context, entries []entry, look bool, timely func() bool) error {
	if s.store == nil || len(entries) == 0 {
		return nil
	}
	var left error // for the caller to retry
	err := s.retry(ctx, "Logs are not stored; collecting waits", func() error {
		if !timely() {
			left = errUntimely
			return nil
		}
		if look {
			missing, err := s.missing(ctx, entries)
			if err != nil {
				return err
			}
			entries = missing
		}
		if len(entries) == 0 {
			return nil
		}
		look = true
		err := s.store.Push(ctx, s.request(entries))
		var refused interface{ Rejected() bool }
		if errors.As(err, &refused) && refused.Rejected() {
			if !timely() { // the clock was set meanwhile
				left = errUntimely
				return nil
			}
			s.metrics.rejected.Inc()
			s.logger.Warn("Loki rejected some lines; they are dropped", "lines_in_push", len(entries), "err", shorten(err))
			return nil
		}
		if isCrowded(err) { // this may last long
			s.metrics.retries.Inc()
			left = err
			return nil
		}
		if err == nil {
			s.metrics.lines.Add(float64(len(entries)))
		}
		return err
	})
	return errors.Join(err, left)
}

func shorten(err error) string {
	const most = 500
	text := err.Error()
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// retry calls f until it succeeds or ctx ends, and logs one warning meanwhile.
func (s *sender) retry(ctx context.Context, complaint string, f func() error) error {
	wait, said := firstRetry, false
	for {
		err := f()
		if err == nil {
			if said {
				s.logger.Info("Collection resumed")
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.metrics.retries.Inc()
		if !said && wait > 4*firstRetry {
			s.logger.Warn(complaint, "err", shorten(err))
			said = true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		wait = min(2*wait, lastRetry)
	}
}

// request groups entries by their labels.
func (s *sender) request(entries []entry) *logproto.PushRequest {
	req := &logproto.PushRequest{}
	index := map[string]int{}
	var lastLabels model.LabelSet
	last := -1
	for _, e := range entries {
		i := last
		if last < 0 || !sameSet(lastLabels, e.labels) {
			text := s.stream(e.labels)
			var ok bool
			if i, ok = index[text]; !ok {
				i = len(req.Streams)
				index[text] = i
				req.Streams = append(req.Streams, logproto.Stream{Labels: text})
			}
			lastLabels, last = e.labels, i
		}
		req.Streams[i].Entries = append(req.Streams[i].Entries, logproto.Entry{Timestamp: e.at, Line: e.line, StructuredMetadata: e.meta})
	}
	return req
}

// sameSet reports whether two label sets have the same content.
func sameSet(a, b model.LabelSet) bool { return a.Equal(b) }

// stream returns the labels in Loki's format, without Promtail's internal ones.
func (s *sender) stream(labels model.LabelSet) string {
	public := make(model.LabelSet, len(labels)+len(s.external))
	for name, value := range s.external {
		public[name] = value
	}
	for name, value := range labels {
		if !strings.HasPrefix(string(name), model.ReservedLabelPrefix) && value != "" {
			public[name] = value
		}
	}
	return public.String()
}

// apiEntry converts an entry for Promtail's clients.
func apiEntry(e entry) api.Entry {
	return api.Entry{Labels: e.labels, Entry: logproto.Entry{Timestamp: e.at, Line: e.line, StructuredMetadata: e.meta}}
}
