package heartbeats

import (
	"maps"
	"time"
)

// record is what is stored about a heartbeat.
type record struct {
	// Interval is the schedule that it was configured with, and Since when it was first configured with it: before its first run
	// after that, it is not late.
	Interval string    `json:"interval"`
	Since    time.Time `json:"since"`
	// Removed is when it was removed from the configuration; zero if it is configured.
	Removed time.Time `json:"removed,omitzero"`

	// Ping is the last ping of any kind, Success the last successful end of a run, and Finished the last end.
	Ping     time.Time `json:"ping,omitzero"`
	Success  time.Time `json:"success,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Result is that of the last ping. Failing is set if the last run that ended has failed.
	Result  Result `json:"result,omitempty"`
	Failing bool   `json:"failing,omitempty"`
	// ExitCode is that of the last run that ended; nil if it failed without one.
	ExitCode *int `json:"exit_code,omitempty"`
	// Duration is how long that run took; nil if its start was not reported.
	Duration *time.Duration `json:"duration,omitempty"`
	// Started is when the run in progress started, the newest if there are several; zero if there is none. Run identifies it.
	Started time.Time `json:"started,omitzero"`
	Run     string    `json:"run,omitempty"`
	// Runs are the starts of runs that have not ended, by their identifiers.
	Runs map[string]time.Time `json:"runs,omitempty"`
	// Pings counts the pings, by result.
	Pings map[Result]uint64 `json:"pings,omitempty"`
}

const (
	// maxRuns is how many starts are kept: runs that are killed never end.
	maxRuns = 16
	// maxDuration is the longest duration: a longer one is that of a run whose end was not reported.
	maxDuration = 30 * 24 * time.Hour
)

// after returns the record after a ping. The original does not change.
func (r record) after(p *ping) record {
	r.Runs, r.Pings = maps.Clone(r.Runs), maps.Clone(r.Pings)
	if r.Pings == nil {
		r.Pings = map[Result]uint64{}
	}
	r.Ping, r.Result = p.at, p.result
	r.Pings[p.result]++
	switch p.result {
	case Started:
		r.start(p)
	case Succeeded, Failed:
		r.finish(p)
	case Logged:
	}
	return r
}

func (r *record) start(p *ping) {
	if r.Runs == nil {
		r.Runs = map[string]time.Time{}
	}
	r.Started, r.Run = p.at, p.run
	r.Runs[p.run] = p.at
	for len(r.Runs) > maxRuns {
		oldest := p.run
		for run, started := range r.Runs {
			if started.Before(r.Runs[oldest]) {
				oldest = run
			}
		}
		delete(r.Runs, oldest)
	}
}

func (r *record) finish(p *ping) {
	r.Finished, r.Failing, r.ExitCode, r.Duration = p.at, p.result == Failed, p.exitCode, nil
	if !r.Failing {
		r.Success = p.at
		if r.ExitCode == nil {
			r.ExitCode = new(int)
		}
	}
	if started, known := r.Runs[p.run]; known {
		if took := p.at.Sub(started); took >= 0 && took <= maxDuration {
			r.Duration = &took
		}
		delete(r.Runs, p.run)
	}
	if len(r.Runs) == 0 {
		r.Runs = nil
	}
	if p.run == r.Run || p.run == "" {
		r.Started, r.Run = time.Time{}, ""
	}
}

// uptime is what is known about the times at which pings could arrive.
type uptime struct {
	// until is when the previous process took pings for the last time, as far as known; since is when this one began to.
	until, since time.Time
}

// maxWait limits how long a heartbeat that became due while the program was down may take to report again.
const maxWait = time.Hour

// due returns when the heartbeat is missing unless it reports the end of a run before.
//
// If it would have become missing while the program was down, it gets until its next run, but at most maxWait, and the grace:
// it may have reported meanwhile.
func (h *Heartbeat) due(r *record, up uptime) time.Time {
	last := r.Since
	if r.Finished.After(last) {
		last = r.Finished
	}
	due := h.schedule.next(last).Add(h.Grace)
	if !r.Started.IsZero() && h.MaxDuration > 0 { // it is at work, and does not have to report before it may be too long
		if end := r.Started.Add(h.MaxDuration + h.Grace); end.After(due) {
			due = end
		}
	}
	if due.Before(up.until) {
		return due // it was missing before
	}
	wait := min(h.schedule.next(up.since).Sub(up.since), maxWait)
	if again := up.since.Add(wait + h.Grace); due.Before(again) && r.Finished.Before(up.since) && r.Since.Before(up.since) {
		return again
	}
	return due
}

// status is the state of a heartbeat, for people. Metrics have each of its causes.
type status string

// The statuses; the first that applies, in this order.
const (
	statusMissing status = "missing"
	statusFailed  status = "failed"
	statusTooLong status = "too long"
	statusRunning status = "running"
	statusLate    status = "late" // within its grace
	statusNew     status = "new"
	statusUp      status = "up"
)

func (h *Heartbeat) tooLong(r *record, now time.Time) bool {
	return !r.Started.IsZero() && h.MaxDuration > 0 && now.Sub(r.Started) > h.MaxDuration
}

func (h *Heartbeat) status(r *record, up uptime, now time.Time) status {
	due := h.due(r, up)
	switch {
	case now.After(due):
		return statusMissing
	case r.Failing:
		return statusFailed
	case h.tooLong(r, now):
		return statusTooLong
	case !r.Started.IsZero():
		return statusRunning
	case now.After(due.Add(-h.Grace)):
		return statusLate
	case r.Finished.IsZero():
		return statusNew
	}
	return statusUp
}

// configured returns the record of a heartbeat that is configured from now on.
func (r record) configured(h *Heartbeat, now time.Time) record {
	if r.Interval != h.interval() || !r.Removed.IsZero() {
		r.Interval, r.Since, r.Removed = h.interval(), now, time.Time{}
	}
	return r
}
