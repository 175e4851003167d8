package promserver

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
)

// Target is a scrape target as shown on a page.
type Target struct {
	Job, Instance string
	// Health is up, down or unknown.
	Health     string
	LastScrape time.Time
	// LastError is why the last scrape failed, empty if it succeeded.
	LastError string
}

// Targets returns the active targets, those that are not up first, then sorted by job and
// instance.
func (s *Server) Targets() []Target {
	e := s.state.Load()
	if e == nil {
		return nil
	}
	var targets []Target
	for job, active := range e.scrape.TargetsActive() {
		for _, t := range active {
			targets = append(targets, targetOf(job, t))
		}
	}
	slices.SortFunc(targets, func(a, b Target) int {
		if aUp, bUp := a.Health == "up", b.Health == "up"; aUp != bUp {
			if aUp {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Job+" "+a.Instance, b.Job+" "+b.Instance)
	})
	return targets
}

func targetOf(job string, t *scrape.Target) Target {
	target := Target{Job: job, Instance: t.Labels(labels.NewBuilder(labels.EmptyLabels())).Get("instance"), Health: string(t.Health()), LastScrape: t.LastScrape()}
	if err := t.LastError(); err != nil {
		target.LastError = hideQueries(err.Error()) // every user sees it
	}
	return target
}
