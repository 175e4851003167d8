package logcollector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grafana/dskit/user"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// tenants is a Store that keeps lines by tenant and stream. It fails once after storing some.
type tenants struct {
	mtx    sync.Mutex
	lines  map[string]map[int64]string // by "tenant stream"
	failOn string
}

func (s *tenants) Push(ctx context.Context, req *logproto.PushRequest) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	tenant, err := user.ExtractOrgID(ctx)
	if err != nil {
		return err
	}
	for _, stream := range req.Streams {
		key := tenant + " " + stream.Labels
		if s.lines[key] == nil {
			s.lines[key] = map[int64]string{}
		}
		for _, e := range stream.Entries {
			if _, twice := s.lines[key][e.Timestamp.UnixNano()]; twice {
				return fmt.Errorf("%s is stored twice", e.Line)
			}
			s.lines[key][e.Timestamp.UnixNano()] = e.Line
		}
		if key == s.failOn {
			s.failOn = ""
			return errors.New("the answer is lost")
		}
	}
	return nil
}

func (s *tenants) Lines(ctx context.Context, stream string, _, _ time.Time, found func(time.Time, string)) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	tenant, err := user.ExtractOrgID(ctx)
	for at, line := range s.lines[tenant+" "+stream] {
		found(time.Unix(0, at), line)
	}
	return err
}

func (s *tenants) stored() map[string][]string {
	all := map[string][]string{}
	for key, lines := range s.lines {
		for _, at := range slices.Sorted(maps.Keys(lines)) {
			all[key] = append(all[key], lines[at])
		}
	}
	return all
}

// Each client that is the store of this process gets its streams, and each tenant its lines; before, they got those of
// the last client.
func TestDestinations(t *testing.T) {
	one, two := entry{labels: model.LabelSet{"job": "a"}, at: time.Unix(0, 1), line: "one"},
		entry{labels: model.LabelSet{"job": "a", "__tenant_id__": "green"}, at: time.Unix(0, 2), line: "two"}
	for name, c := range map[string]struct {
		clients string
		entries []entry
		want    map[string][]string
	}{
		"no client": {`[]`, []entry{one}, map[string][]string{`fake {job="a"}`: {"one"}}},
		"labels":    {`[{url: 'http://loki:3100/x', external_labels: {dc: x}}]`, []entry{one}, map[string][]string{`fake {dc="x", job="a"}`: {"one"}}},
		"two with different labels": {
			`[{url: 'http://loki:3100/x', external_labels: {copy: one}}, {url: 'http://loki:3100/x', external_labels: {copy: two}}]`,
			[]entry{one}, map[string][]string{`fake {copy="one", job="a"}`: {"one"}, `fake {copy="two", job="a"}`: {"one"}},
		},
		"two that are the same": {`[{url: 'http://loki:3100/x'}, {url: 'http://loki:3100/y'}]`, []entry{one}, map[string][]string{`fake {job="a"}`: {"one"}}},
		"two tenants": {
			`[{url: 'http://loki:3100/x', tenant_id: blue}, {url: 'http://loki:3100/x', tenant_id: red}]`,
			[]entry{one}, map[string][]string{`blue {job="a"}`: {"one"}, `red {job="a"}`: {"one"}},
		},
		"a tenant stage": {
			`[{url: 'http://loki:3100/x', tenant_id: blue}]`,
			[]entry{one, two}, map[string][]string{`blue {job="a"}`: {"one"}, `green {job="a"}`: {"two"}},
		},
	} {
		for _, failOn := range slices.Concat([]string{""}, slices.Collect(maps.Keys(c.want))) {
			t.Run(name+failOn, func(t *testing.T) {
				cfg, err := load("clients: " + c.clients)
				require.NoError(t, err)
				_, selves := (&Config{Config: *cfg}).remotes([]string{"loki:3100"})
				store := &tenants{lines: map[string]map[int64]string{}, failOn: failOn}
				s := &sender{
					logger: slog.New(slog.DiscardHandler), store: store, metrics: newMetrics(prometheus.NewRegistry()), destinations: destinations(selves),
				}
				require.NoError(t, s.push(t.Context(), c.entries, false, always))
				require.Equal(t, c.want, store.stored())
				require.NoError(t, s.push(t.Context(), c.entries, true, always), "after a crash what is stored is found")
				require.Equal(t, c.want, store.stored())
			})
		}
	}
}

func always() bool { return true }
