package loki

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	ringInterval = 2 * time.Second // on average
	// nameMemory is how long a host with the same name is reported after it was seen last: the entry of the two alternates with their
	// heartbeats, of which there is one every 15 seconds by default.
	nameMemory     = time.Minute
	connectTimeout = time.Second
)

// watchRing reports what is wrong with the ring of ingesters until ctx ends.
func (s *Server) watchRing(ctx context.Context) {
	timer := time.NewTimer(ringInterval)
	defer timer.Stop()
	for looks := (ringLooks{}); ; {
		select {
		case <-timer.C:
			// Not in step with the heartbeats, which replace the entry of another host with the same name.
			timer.Reset(ringInterval/2 + rand.N(ringInterval))
		case <-ctx.Done():
			return
		}
		double, problem, e := "", "", s.engine.Load()
		if e != nil && e.cfg.cluster {
			members, err := e.ring(ctx, "/ring")
			if err != nil {
				s.log.Debug("Cannot look at Loki's ring", "err", err)
				continue
			}
			double, problem = e.nameProblem(members), e.ringProblem(members)
			unreached := e.unreached(ctx, members)
			s.unreached.Store(&unreached)
			if problem == "" && len(unreached) > 0 {
				problem = strings.Join(slices.Sorted(maps.Values(unreached)), "; ")
			}
		}
		s.tellRing(looks.add(time.Now(), double, problem))
	}
}

// tellRing logs when a problem begins, becomes another one, and ends.
func (s *Server) tellRing(problem string) {
	switch {
	case problem == s.ringSays():
	case problem == "":
		s.log.Info("Loki's ring is complete again")
	default:
		s.log.Error("Loki's ring has a problem", "err", problem)
	}
	s.ringError.Store(problem)
}

// ringLooks turns what is seen at each look into what is reported.
type ringLooks struct {
	double string // see nameProblem
	times  int    // how often it was seen,
	last   time.Time
	before string // the problem at the look before,
	told   string // and what was reported then
}

// add takes what a look has shown and returns what to report: what was seen twice, because members that start find each other after a moment.
func (l *ringLooks) add(now time.Time, double, problem string) string {
	if now.Sub(l.last) > nameMemory {
		l.double, l.times = "", 0
	}
	if double != "" {
		l.double, l.times, l.last = double, l.times+1, now
	}
	switch {
	case l.times > 1:
		l.told = l.double
	case problem == l.before:
		l.told = problem
	}
	l.before = problem
	return l.told
}

// ringSays returns what is wrong with the ring, or "".
func (s *Server) ringSays() string {
	text, _ := s.ringError.Load().(string)
	return text
}

// newRingGauge registers the metric of watchRing.
func (s *Server) newRingGauge() {
	s.options.Registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ausguck_loki_ring_unreachable_members", Help: "Members of Loki's ring that are active and to which no connection can be made.",
	}, func() float64 { return float64(len(s.unreachedMembers())) }))
}

// unreachedMembers returns what unreached returned last.
func (s *Server) unreachedMembers() map[string]string {
	if m := s.unreached.Load(); m != nil {
		return *m
	}
	return nil
}

// unreached returns, by ID, what prevents connections to members that are active. Heartbeats are passed on by other members, so upstream
// takes one for healthy that has the address of its container or is behind a firewall; it gets no lines and answers no queries.
func (e *engine) unreached(ctx context.Context, members []ringEntry) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var mtx sync.Mutex
	var asking sync.WaitGroup
	problems := map[string]string{}
	for _, m := range members {
		if m.State != stateActive || m.ID == e.cfg.Ingester.LifecyclerConfig.ID {
			continue
		}
		asking.Go(func() {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Address)
			if err == nil {
				_ = conn.Close()
				return
			}
			mtx.Lock()
			defer mtx.Unlock()
			problems[m.ID] = fmt.Sprintf("%s is in Loki's ring, but cannot be reached: %v; if it runs, set common.instance_addr in its loki.yml to an address that the other hosts reach, and admit them to that port",
				m.ID, err)
		})
	}
	asking.Wait()
	return problems
}

// nameProblem returns that another host uses the name of this one, or "".
func (e *engine) nameProblem(members []ringEntry) string {
	for _, m := range members {
		if m.ID == e.cfg.Ingester.LifecyclerConfig.ID && e.address != "" && m.Address != e.address {
			return fmt.Sprintf("another host has the same name in Loki's ring: %s is %s here and %s there; give each host a name of its own (hostname, or common.ring.instance_id in loki.yml)",
				m.ID, e.address, m.Address)
		}
	}
	return ""
}

// ringProblem returns what prevents the members of a ring from storing lines, or "".
func (e *engine) ringProblem(members []ringEntry) string {
	active, at := 0, map[string]string{}
	for _, m := range members {
		if other, twice := at[m.Address]; twice {
			return fmt.Sprintf("%s and %s have the same address in Loki's ring, %s: set common.instance_interface_names or common.instance_addr in loki.yml to what the other hosts reach; if one is an earlier name of the same host, press Forget at http://HOST:3100/ring",
				other, m.ID, m.Address)
		}
		at[m.Address] = m.ID
		if m.State == stateActive {
			active++
		}
	}
	factor := e.cfg.Ingester.LifecyclerConfig.RingConfig.ReplicationFactor
	if least := factor/2 + 1; active < least {
		return fmt.Sprintf("Loki's ring has %d active members, but with replication_factor %d lines are accepted and found only with %d: check memberlist.join_members (%s), common.instance_interface_names, and the ports 7946 and 9095 of the other hosts",
			active, factor, least, strings.Join(e.cfg.MemberlistKV.JoinMembers, ", "))
	}
	return ""
}
