package logcollector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
)

// modelStore keeps lines as Loki does: of equal lines of one time one, and none that is an hour behind others.
type modelStore struct {
	mtx     sync.Mutex
	lines   map[string]map[stored]bool // by stream
	count   map[string]int             // by line
	newest  int64
	refuses bool
	delay   time.Duration
	dead    bool                                                  // whoever pushes was killed
	atPush  func(entries []logproto.Entry, save func(n int)) bool // reports that the pusher was killed
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
	behind := 0
	for _, stream := range req.Streams {
		save := func(n int) {
			for _, e := range stream.Entries[:n] {
				at := e.Timestamp.UnixNano()
				if s.newest-at > int64(time.Hour) {
					behind++
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
	if behind > 0 {
		return rejected{fmt.Errorf("%d lines are too far behind", behind)}
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
