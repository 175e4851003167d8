package statuspage

import (
	"context"
	"math"
	"time"
)

// condition is the state of a component, or of a page: the worst of its components.
type condition int

// The conditions, the better ones first.
const (
	operational condition = iota
	maintenance
	unknown
	degraded
	down
)

var conditionNames = []string{"operational", "maintenance", "unknown", "degraded", "down"}

func (c condition) String() string { return conditionNames[c] }

func (c condition) text(w words) string {
	return []string{w.Operational, w.Maintenance, w.Unknown, w.Degraded, w.Down}[c]
}

// conditionOf returns the condition for a value: 1 works, 0 does not, and between is in part.
func conditionOf(value float64, known bool) condition {
	switch {
	case !known || math.IsNaN(value):
		return unknown
	case value >= 1:
		return operational
	case value <= 0:
		return down
	}
	return degraded
}

// snapshot is everything that a page shows.
type snapshot struct {
	page       *Page
	at         time.Time
	conditions map[string]condition
	days       map[string]map[int64]float64
	events     []Event
}

// overall is the worst condition.
func (s *snapshot) overall() (worst condition) {
	for _, c := range s.conditions {
		worst = max(worst, c)
	}
	if worst == unknown { // it does not hide that all others work
		worst = operational
		known := false
		for _, c := range s.conditions {
			if c != unknown {
				worst, known = max(worst, c), true
			}
		}
		if !known {
			return unknown
		}
	}
	return worst
}

// availability is the average of the known days; false if none is known.
func (s *snapshot) availability(component string) (share float64, known bool) {
	days := s.days[component]
	if len(days) == 0 {
		return 0, false
	}
	for _, available := range days {
		share += available
	}
	return share / float64(len(days)), true
}

// observe asks for the current state of a page. A component in maintenance shows that, whatever its state is.
func (s *Server) observe(ctx context.Context, p *Page, now time.Time) (*snapshot, error) {
	snap := &snapshot{page: p, at: now, conditions: map[string]condition{}}
	var err error
	if snap.events, err = s.store.events(ctx, p.Name, now.Add(-historyDays*24*time.Hour)); err != nil {
		return nil, err
	}
	if snap.days, err = s.store.days(ctx, p.Name, dayOf(now)-historyDays+1); err != nil {
		return nil, err
	}
	for _, c := range p.components() {
		value, known, err := s.options.Query(ctx, c.query(), now)
		if err != nil {
			s.calm.Warn("The state of a component is unknown", "page", p.Name, "component", c.Name, "err", err)
		}
		snap.conditions[c.Name] = conditionOf(value, known && err == nil)
	}
	for i := range snap.events {
		e := &snap.events[i]
		if !e.Planned || !e.active(now) {
			continue
		}
		for _, name := range e.Components {
			if _, there := snap.conditions[name]; there {
				snap.conditions[name] = maintenance
			}
		}
	}
	return snap, nil
}

// keepDays stores the availability of each day whose samples are still there: today's so far, and earlier ones that are missing
// because the program was not running or the component is new.
func (s *Server) keepDays(ctx context.Context, p *Page, now time.Time) error {
	today := dayOf(now)
	known, err := s.store.days(ctx, p.Name, today-historyDays+1)
	if err != nil {
		return err
	}
	for _, c := range p.components() {
		for day := today - int64(s.options.StoredDays()); day <= today; day++ {
			if _, have := known[c.Name][day]; have && day < today-1 { // yesterday's may have been stored before midnight
				continue
			}
			end := time.Unix((day+1)*86_400, 0)
			span := "1d"
			if end.After(now) {
				elapsed := now.Sub(time.Unix(day*86_400, 0))
				if elapsed < 2*time.Minute {
					continue
				}
				end, span = now, elapsed.Truncate(time.Minute).String()
			}
			value, there, err := s.options.Query(ctx, c.historyQuery(span), end)
			if err != nil {
				return err
			}
			if !there || math.IsNaN(value) {
				continue
			}
			if err := s.store.putDay(ctx, p.Name, c.Name, day, min(max(value, 0), 1)); err != nil {
				return err
			}
		}
	}
	return nil
}
