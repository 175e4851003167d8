package logcollector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
)

// modelStore keeps lines as Loki does: only one of several equal lines with the same time, and none that is an hour
// behind others, a week old, or in the future.
type modelStore struct {
	mtx     sync.Mutex
	lines   map[string]map[stored]bool // by stream
	count   map[string]int             // by line
	behind  map[string]bool            // lines that were rejected because others of their stream are newer
	now     func() time.Time
	newest  int64
	refuses bool
	delay   time.Duration
	dead    bool                                                  // the pushing process was killed
	atPush  func(entries []logproto.Entry, save func(n int)) bool // reports that the pusher was killed
}

func newModelStore(now func() time.Time) *modelStore {
	return &modelStore{lines: map[string]map[stored]bool{}, count: map[string]int{}, behind: map[string]bool{}, now: now}
}

var errAway = errors.New("the store is away")

type rejected struct{ error }

func (rejected) Rejected() bool { return true }

func (s *modelStore) Push(ctx context.Context, req *logproto.PushRequest) error {
	s.mtx.Lock()
	delay := s.delay
	s.mtx.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.dead {
		return context.Canceled
	}
	if s.refuses {
		return errAway
	}
	var refused []string
	for _, stream := range req.Streams {
		save := func(n int) {
			for _, e := range stream.Entries[:n] {
				at := e.Timestamp.UnixNano()
				switch age := s.now().Sub(e.Timestamp); {
				case age > 7*day || age < -10*time.Minute:
					refused = append(refused, e.Line)
					continue
				case s.newest-at > int64(time.Hour):
					refused, s.behind[e.Line] = append(refused, e.Line), true
					continue
				}
				s.newest = max(s.newest, at)
				of := s.lines[stream.Labels]
				if of == nil {
					of = map[stored]bool{}
					s.lines[stream.Labels] = of
				}
				if !of[stored{at, e.Line}] {
					of[stored{at, e.Line}] = true
					s.count[e.Line]++
				}
			}
		}
		if s.atPush != nil && s.atPush(stream.Entries, save) {
			s.dead = true
			return context.Canceled
		}
		save(len(stream.Entries))
	}
	if len(refused) > 0 {
		return rejected{fmt.Errorf("%q are too old, too new or too far behind", refused)}
	}
	return nil
}

func (s *modelStore) Lines(_ context.Context, stream string, from, to time.Time, found func(time.Time, string)) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.refuses {
		return errAway
	}
	for e := range s.lines[stream] {
		if e.at >= from.UnixNano() && e.at <= to.UnixNano() {
			found(time.Unix(0, e.at), e.line)
		}
	}
	return nil
}

// outside calls name for the lines stored with times outside a range.
func (s *modelStore) outside(from, to time.Time, name func(line string)) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	for _, lines := range s.lines {
		for l := range lines {
			if l.at < from.UnixNano() || l.at > to.UnixNano() {
				name(l.line)
			}
		}
	}
}
