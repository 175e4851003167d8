package logcollector

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/dskit/user"
)

type stored struct {
	at   int64
	line string
}

// missing returns the entries that the store does not have.
func (s *sender) missing(ctx context.Context, entries []entry) ([]entry, error) {
	type span struct{ from, to time.Time }
	spans := map[string]*span{}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = s.stream(e.labels)
		sp, ok := spans[names[i]]
		if !ok {
			spans[names[i]] = &span{e.at, e.at}
			continue
		}
		if e.at.Before(sp.from) {
			sp.from = e.at
		}
		if e.at.After(sp.to) {
			sp.to = e.at
		}
	}
	have := map[string]map[stored]int{}
	for name, sp := range spans {
		found := map[stored]int{}
		err := s.store.Lines(ctx, name, sp.from, sp.to, func(at time.Time, line string) { found[stored{at.UnixNano(), line}]++ })
		if err != nil {
			return nil, fmt.Errorf("check whether lines are stored: %w", err)
		}
		have[name] = found
	}
	var missing []entry
	for i, e := range entries {
		key := stored{e.at.UnixNano(), e.line}
		if have[names[i]][key] > 0 {
			have[names[i]][key]--
			continue
		}
		missing = append(missing, e)
	}
	s.metrics.found.Add(float64(len(entries) - len(missing)))
	return missing, nil
}

// unstored returns the entries that the store does not have, if it may have them with other times than those that the
// reader assigned, n from base on. Equal lines of one stream cannot be told apart: as many of them are left out as are
// stored between the times of unsure. rest are the times with which the following lines may be stored.
//
// If there are several destinations, the first is queried.
func (s *sender) unstored(ctx context.Context, entries []entry, base int64, n int, unsure span) (missing []entry, rest span, err error) {
	if len(s.destinations) == 0 {
		return s.unstoredAt(ctx, entries, base, n, unsure)
	}
	first := *s
	first.destinations = s.destinations[:1]
	for _, share := range first.shares(entries) {
		more, left, err := s.toward(share.external).unstoredAt(user.InjectOrgID(ctx, share.tenant), share.entries, base, n, unsure)
		if err != nil {
			return nil, span{}, err
		}
		missing = append(missing, more...)
		if rest.empty() || !left.empty() && left.From < rest.From {
			rest = left
		}
	}
	return missing, rest, nil
}

// unstoredAt does the same for one destination and tenant.
func (s *sender) unstoredAt(ctx context.Context, entries []entry, base int64, n int, unsure span) (missing []entry, rest span, err error) {
	own, given := splitByTime(entries, base, n)
	err = s.retry(ctx, "Cannot check whether lines are stored; collecting waits", func() error {
		rest = span{}
		have, err := s.stored(ctx, given, unsure)
		if err != nil {
			return err
		}
		missing, err = s.missing(ctx, own)
		if err != nil {
			return err
		}
		if len(missing) < len(own) {
			rest = unsure
		}
		found := 0
		for _, e := range given {
			key := line{s.stream(e.labels), e.line}
			if times := have[key]; len(times) > 0 {
				rest = span{max(rest.From, times[0]+1), unsure.To}
				have[key] = times[1:]
				found++
				continue
			}
			missing = append(missing, e)
		}
		s.metrics.found.Add(float64(found))
		return nil
	})
	return missing, rest, err
}

// line is the text of a line and its stream.
type line struct{ stream, text string }

// stored returns the times at which the store has the lines of entries, within a range of times.
func (s *sender) stored(ctx context.Context, entries []entry, between span) (map[line][]int64, error) {
	wanted := map[line]bool{}
	streams := map[string]bool{}
	for _, e := range entries {
		stream := s.stream(e.labels)
		wanted[line{stream, e.line}], streams[stream] = true, true
	}
	have := map[line][]int64{}
	const day = int64(24 * time.Hour) // the store limits the size of a response
	for stream := range streams {
		for from := between.From; from <= between.To; from += day {
			to := min(from+day-1, between.To)
			err := s.store.Lines(ctx, stream, time.Unix(0, from), time.Unix(0, to), func(at time.Time, text string) {
				if key := (line{stream, text}); wanted[key] {
					have[key] = append(have[key], at.UnixNano())
				}
			})
			if err != nil {
				return nil, fmt.Errorf("check whether lines are stored: %w", err)
			}
		}
	}
	for _, times := range have {
		slices.Sort(times)
	}
	return have, nil
}

// splitByTime divides entries into those that came with a time and those that were assigned one of n times from base
// on.
func splitByTime(entries []entry, base int64, n int) (own, given []entry) {
	for _, e := range entries {
		if at := e.at.UnixNano(); at >= base && at < base+int64(n) {
			given = append(given, e)
		} else {
			own = append(own, e)
		}
	}
	return own, given
}
