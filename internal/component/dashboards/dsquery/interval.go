package dsquery

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	defaultScrape = 15 * time.Second
	maxPoints     = 11_000 // the most that Prometheus returns per series
	defaultPoints = 1000
)

// roundSteps are the steps to which intervals are rounded: an interval below the first number of milliseconds becomes
// the second.
var roundSteps = [][2]int64{
	{10, 1}, {15, 10}, {35, 20}, {75, 50}, {150, 100}, {350, 200}, {750, 500},
	{1500, 1000}, {3500, 2000}, {7500, 5000}, {12500, 10000}, {17500, 15000}, {25000, 20000}, {45000, 30000},
	{90000, 60000}, {210000, 120000}, {450000, 300000}, {750000, 600000}, {1050000, 900000}, {1500000, 1200000}, {2700000, 1800000},
	{5400000, 3600000}, {9000000, 7200000}, {16200000, 10800000}, {32400000, 21600000}, {86400000, 43200000},
	{604800000, 86400000}, {1814400000, 604800000}, {3628800000, 2592000000},
}

func roundInterval(d time.Duration) time.Duration {
	for _, step := range roundSteps {
		if d.Milliseconds() < step[0] {
			return time.Duration(step[1]) * time.Millisecond
		}
	}
	return 365 * 24 * time.Hour
}

// steps are the intervals of one query.
type steps struct {
	interval, rate, span time.Duration
}

// intervals computes the step of q for a time range from the query's settings and the server's scrape interval.
func intervals(q Query, scrape time.Duration, span time.Duration) (steps, error) {
	own := strings.TrimPrefix(strings.TrimSpace(q.Interval), ">")
	panel := time.Duration(0) // the panel's interval, which takes its minimum into account
	if q.IntervalMs >= 1 && q.IntervalMs < 1e12 {
		panel = time.Duration(q.IntervalMs) * time.Millisecond
	}
	minimum, scraped := scrape, scrape
	switch {
	case own != "" && own != "0s" && !strings.HasPrefix(own, "$"):
		d, err := ParseDuration(own)
		if err != nil {
			return steps{}, &refusal{400, fmt.Sprintf("interval: %v", err)}
		}
		minimum, scraped = d, d
	case panel > 0:
		minimum = panel
	}
	points := q.MaxDataPoints
	if points <= 0 || math.IsNaN(points) {
		points = defaultPoints
	}
	interval := max(roundInterval(time.Duration(float64(span)/points)), minimum)
	if q.MaxDataPoints <= 0 && panel > 0 {
		interval = max(panel, minimum)
	}
	safe := span / maxPoints
	if interval < safe {
		interval = roundInterval(safe + safe/2)
	}
	if panel == 0 {
		panel = interval
	}
	rate := max(panel+scraped, 4*scraped)
	if strings.Trim(own, "${}") == "__rate_interval" {
		interval = max(interval+scrape, 4*scrape)
		rate = interval
	} else if q.Factor > 1 && q.Factor < 1000 {
		interval = time.Duration(float64(interval) * q.Factor)
	}
	return steps{interval: max(interval, time.Millisecond), rate: rate, span: span}, nil
}

var variables = regexp.MustCompile(`\$(__[a-zA-Z_]+|\{__[a-zA-Z_]+(?::\w+)?\})`)

// interpolate expands the variables that Grafana's backend supports.
func (s steps) interpolate(expr string) string {
	return variables.ReplaceAllStringFunc(expr, func(found string) string {
		name, _, _ := strings.Cut(strings.Trim(found, "${}"), ":")
		switch name {
		case "__interval", "__auto":
			return FormatDuration(s.interval)
		case "__interval_ms":
			return strconv.FormatInt(s.interval.Milliseconds(), 10)
		case "__rate_interval":
			return FormatDuration(s.rate)
		case "__rate_interval_ms":
			return strconv.FormatInt(s.rate.Milliseconds(), 10)
		case "__range":
			return strconv.FormatInt(int64(math.Round(s.span.Seconds())), 10) + "s"
		case "__range_s":
			return strconv.FormatInt(int64(math.Round(s.span.Seconds())), 10)
		case "__range_ms":
			return strconv.FormatInt(s.span.Milliseconds(), 10)
		}
		return found
	})
}

var (
	durationPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)(ms|s|m|h|d|w|M|y)`)
	units        = map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
		"w": 7 * 24 * time.Hour, "M": 30 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
	}
)

// ParseDuration parses durations in the syntax of Grafana and Prometheus: 15s, 1m30s, 7d. A bare number means seconds.
func ParseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n > 0 && n < 1e9 {
		return time.Duration(n * float64(time.Second)), nil
	}
	total, rest := time.Duration(0), s
	for rest != "" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, fmt.Errorf("must be a duration such as 15s or 1m, not %q", s)
		}
		n, _ := strconv.ParseFloat(m[1], 64)
		total, rest = total+time.Duration(n*float64(units[m[2]])), rest[len(m[0]):]
	}
	if total <= 0 {
		return 0, fmt.Errorf("must be a duration such as 15s or 1m, not %q", s)
	}
	return total, nil
}

// FormatDuration formats d in the largest unit that divides it.
func FormatDuration(d time.Duration) string {
	for _, unit := range []string{"d", "h", "m", "s"} {
		if d >= units[unit] && d%units[unit] == 0 {
			return strconv.FormatInt(int64(d/units[unit]), 10) + unit
		}
	}
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + "ms"
}

var relative = regexp.MustCompile(`^now((?:[+-]\d{1,6}[smhdwMQy])*)(?:/([smhdwMQy]))?$`)
var relativePart = regexp.MustCompile(`[+-]\d+[smhdwMQy]`)

// ParseTime parses a time in the formats of Grafana's API: milliseconds since 1970, now-6h, now/d or RFC 3339. If end
// is true, it rounds up instead of down.
func ParseTime(s string, now time.Time, end bool) (time.Time, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	m := relative.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, fmt.Errorf("a time such as now-1h, 1700000000000 or 2026-01-02T15:04:05Z required, not %q", s)
	}
	t := now
	for _, part := range relativePart.FindAllString(m[1], -1) {
		n, _ := strconv.Atoi(part[:len(part)-1])
		t = shift(t, n, part[len(part)-1:])
	}
	if m[2] == "" {
		return t, nil
	}
	t = startOf(t, m[2])
	if end {
		t = shift(t, 1, m[2]).Add(-time.Millisecond)
	}
	return t, nil
}

func shift(t time.Time, n int, unit string) time.Time {
	switch unit {
	case "d":
		return t.AddDate(0, 0, n)
	case "w":
		return t.AddDate(0, 0, 7*n)
	case "M":
		return t.AddDate(0, n, 0)
	case "Q":
		return t.AddDate(0, 3*n, 0)
	case "y":
		return t.AddDate(n, 0, 0)
	}
	return t.Add(time.Duration(n) * units[unit])
}

func startOf(t time.Time, unit string) time.Time {
	y, month, d := t.Date()
	switch unit {
	case "d":
		return time.Date(y, month, d, 0, 0, 0, 0, t.Location())
	case "w":
		return time.Date(y, month, d-int(t.Weekday()), 0, 0, 0, 0, t.Location())
	case "M":
		return time.Date(y, month, 1, 0, 0, 0, 0, t.Location())
	case "Q":
		return time.Date(y, (month-1)/3*3+1, 1, 0, 0, 0, 0, t.Location())
	case "y":
		return time.Date(y, 1, 1, 0, 0, 0, 0, t.Location())
	}
	return t.Truncate(units[unit])
}
