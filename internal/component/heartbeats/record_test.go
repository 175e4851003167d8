package heartbeats

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	// always is a program that has been running for a long time.
	always = uptime{until: noon.Add(-1000 * time.Hour), since: noon.Add(-1000 * time.Hour)}
)

func hourly() *Heartbeat {
	return &Heartbeat{Name: "job", Every: "1h", Grace: 5 * time.Minute, schedule: every(time.Hour)}
}

func (r record) with(t *testing.T, at time.Time, result Result, more ...any) record {
	t.Helper()
	p := &ping{at: at, result: result}
	for _, m := range more {
		switch m := m.(type) {
		case int:
			p.exitCode = &m
		case string:
			p.run = m
		}
	}
	before := fmt.Sprintf("%+v", r)
	next := r.after(p)
	require.Equal(t, before, fmt.Sprintf("%+v", r), "the original is unchanged")
	content, err := json.Marshal(next)
	require.NoError(t, err)
	var stored record
	require.NoError(t, json.Unmarshal(content, &stored))
	require.Equal(t, next, stored, "what is stored is what is in memory")
	return next
}

func TestRuns(t *testing.T) {
	h := hourly()
	r := record{}.configured(h, noon)
	require.Equal(t, statusNew, h.status(&r, always, noon))

	r = r.with(t, noon.Add(time.Minute), Started)
	require.Equal(t, statusRunning, h.status(&r, always, noon.Add(time.Minute)))
	r = r.with(t, noon.Add(90*time.Second), Succeeded)
	require.Equal(t, statusUp, h.status(&r, always, noon.Add(90*time.Second)))
	require.Equal(t, 30*time.Second, *r.Duration)
	require.Zero(t, *r.ExitCode)
	require.True(t, r.Started.IsZero())

	r = r.with(t, noon.Add(2*time.Minute), Failed, 3)
	require.Equal(t, statusFailed, h.status(&r, always, noon.Add(2*time.Minute)))
	require.Equal(t, 3, *r.ExitCode)
	require.Nil(t, r.Duration, "its start was not reported")
	require.Equal(t, noon.Add(90*time.Second), r.Success)
	r = r.with(t, noon.Add(3*time.Minute), Failed)
	require.Nil(t, r.ExitCode)
	r = r.with(t, noon.Add(3*time.Minute), Logged)
	require.True(t, r.Failing, "a log line changes nothing")
	require.Equal(t, Logged, r.Result)
	r = r.with(t, noon.Add(4*time.Minute), Succeeded)
	require.False(t, r.Failing)
	require.Equal(t, map[Result]uint64{Succeeded: 2, Failed: 2, Started: 1, Logged: 1}, r.Pings)
}

func TestRunsWithIdentifiers(t *testing.T) {
	r := record{}.with(t, noon, Started, "a").with(t, noon.Add(time.Minute), Started, "b")
	r = r.with(t, noon.Add(3*time.Minute), Succeeded, "a")
	require.Equal(t, 3*time.Minute, *r.Duration, "of the run that ended, not of the newest")
	require.Equal(t, "b", r.Run, "which is still running")
	r = r.with(t, noon.Add(5*time.Minute), Succeeded, "b")
	require.Equal(t, 4*time.Minute, *r.Duration)
	require.True(t, r.Started.IsZero())
	for n := range 3 * maxRuns {
		r = r.with(t, noon.Add(time.Duration(n)*time.Second), Started, fmt.Sprint(n))
	}
	require.Len(t, r.Runs, maxRuns)
	require.Contains(t, r.Runs, fmt.Sprint(3*maxRuns-1))
	require.NotContains(t, r.Runs, "0")
	r = r.with(t, noon.Add(time.Hour), Succeeded)
	require.True(t, r.Started.IsZero(), "an end without an identifier ends the newest")
	require.Nil(t, r.Duration)
}

func TestDue(t *testing.T) {
	h := hourly()
	r := record{}.configured(h, noon)
	late := noon.Add(time.Hour + 5*time.Minute)
	require.Equal(t, late, h.due(&r, always))
	require.Equal(t, statusNew, h.status(&r, always, noon.Add(time.Hour)))
	require.Equal(t, statusLate, h.status(&r, always, noon.Add(time.Hour+time.Nanosecond)))
	require.Equal(t, statusLate, h.status(&r, always, late))
	require.Equal(t, statusMissing, h.status(&r, always, late.Add(time.Nanosecond)))

	r = r.with(t, noon.Add(30*time.Minute), Failed)
	require.Equal(t, late.Add(30*time.Minute), h.due(&r, always), "one that fails is not missing")
	r = r.with(t, noon.Add(40*time.Minute), Logged).with(t, noon.Add(45*time.Minute), Started)
	require.Equal(t, late.Add(30*time.Minute), h.due(&r, always), "only an end counts")
	require.Equal(t, statusFailed, h.status(&r, always, noon.Add(time.Hour)))
	require.False(t, h.tooLong(&r, noon.Add(20*time.Hour)))

	h.MaxDuration = 3 * time.Hour
	require.Equal(t, noon.Add(3*time.Hour+50*time.Minute), h.due(&r, always), "it is still at work")
	require.False(t, h.tooLong(&r, noon.Add(3*time.Hour+45*time.Minute)))
	require.True(t, h.tooLong(&r, noon.Add(3*time.Hour+46*time.Minute)))
}

// A changed schedule, and a heartbeat that is configured again, begin anew.
func TestDueAfterAChangeOfTheConfiguration(t *testing.T) {
	h := hourly()
	r := record{}.configured(h, noon).with(t, noon, Succeeded)
	later := noon.Add(24 * time.Hour)
	require.Equal(t, r, r.configured(h, later))
	h.Every, h.schedule = "10m", every(10*time.Minute)
	changed := r.configured(h, later)
	require.Equal(t, later.Add(15*time.Minute), h.due(&changed, always))
	require.Equal(t, r.Pings, changed.Pings)
	changed.Removed = later
	again := changed.configured(h, later.Add(time.Hour))
	require.Equal(t, later.Add(75*time.Minute), h.due(&again, always))
	require.Zero(t, again.Removed)
}

// What may have reported while the program was down is not missing at once; what was missing before still is.
func TestDueAfterADowntime(t *testing.T) {
	h := hourly()
	r := record{}.configured(h, noon.Add(-time.Hour)).with(t, noon, Succeeded)
	due := noon.Add(65 * time.Minute)
	for name, c := range map[string]struct {
		down, up, want time.Duration
	}{
		"long before":              {10 * time.Minute, 20 * time.Minute, 85 * time.Minute},
		"a short one just before":  {64 * time.Minute, 64*time.Minute + 3*time.Second, 129*time.Minute + 3*time.Second},
		"it became due during it":  {50 * time.Minute, 3 * time.Hour, 3*time.Hour + 65*time.Minute},
		"it was missing before it": {66 * time.Minute, 3 * time.Hour, 65 * time.Minute},
	} {
		up := uptime{until: noon.Add(c.down), since: noon.Add(c.up)}
		require.Equal(t, noon.Add(c.want), h.due(&r, up), name)
	}
	daily := &Heartbeat{Grace: 5 * time.Minute, schedule: every(24 * time.Hour)}
	up := uptime{until: noon.Add(23 * time.Hour), since: noon.Add(25 * time.Hour)}
	require.Equal(t, noon.Add(25*time.Hour+maxWait+5*time.Minute), daily.due(&r, up), "but within an hour")
	r = r.with(t, noon.Add(26*time.Hour), Succeeded)
	require.Equal(t, noon.Add(50*time.Hour+5*time.Minute), daily.due(&r, up), "until it reports again")
	require.True(t, due.Before(noon.Add(2*time.Hour)))
}
