package heartbeats

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// schedule tells when something is expected.
type schedule interface {
	// next returns the first time after t.
	next(t time.Time) time.Time
}

// every is a fixed interval.
type every time.Duration

func (e every) next(t time.Time) time.Time { return t.Add(time.Duration(e)) }

// cron is a cron expression with five fields. Each field is a set of bits.
type cron struct {
	minutes, hours, days, months, weekdays uint64
	// either is set if both days and weekdays are restricted: then one of them is enough, as in cron.
	either bool
	zone   *time.Location
}

// horizon is how far ahead the next time is looked for: February 29 can be eight years away.
const horizon = 9 * 366

var (
	monthNames   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	nicknames    = map[string]string{
		"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
		"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
	}
)

// parseCron parses the five fields of a crontab line, or a nickname such as @daily.
func parseCron(text string, zone *time.Location) (schedule, error) {
	if full, ok := nicknames[strings.ToLower(text)]; ok {
		text = full
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return nil, fmt.Errorf("%q is not a cron expression of minute, hour, day of month, month and day of week", text)
	}
	c := &cron{zone: zone}
	for i, f := range []struct {
		name        string
		least, most int
		names       []string
		to          *uint64
	}{
		{"minute", 0, 59, nil, &c.minutes}, {"hour", 0, 23, nil, &c.hours}, {"day of month", 1, 31, nil, &c.days},
		{"month", 1, 12, monthNames, &c.months}, {"day of week", 0, 7, weekdayNames, &c.weekdays},
	} {
		set, err := parseField(fields[i], f.least, f.most, f.names)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", f.name, fields[i], err)
		}
		*f.to = set
	}
	if c.weekdays&(1<<7) != 0 { // Sunday is 0 and 7
		c.weekdays |= 1
	}
	c.either = !strings.HasPrefix(fields[2], "*") && !strings.HasPrefix(fields[4], "*")
	if c.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q never happens", text)
	}
	return c, nil
}

// parseField parses a list of values, ranges and steps.
func parseField(text string, least, most int, names []string) (set uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		span, step, stepped := strings.Cut(item, "/")
		by := 1
		if stepped {
			if by, err = strconv.Atoi(step); err != nil || by < 1 || by > most {
				return 0, fmt.Errorf("%q is not a step from 1 to %d", step, most)
			}
		}
		from, to := least, most
		if span == "*" && len(names) == len(weekdayNames) {
			to = 6 // once each
		}
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			if from, err = parseValue(first, least, most, names); err != nil {
				return 0, err
			}
			switch {
			case isRange:
				if to, err = parseValue(last, least, most, names); err != nil {
					return 0, err
				}
			case stepped:
				return 0, errors.New("a step needs a range, as in */5 or 10-40/5")
			default:
				to = from
			}
			if to < from {
				return 0, fmt.Errorf("%s comes after %s", first, last)
			}
		}
		for v := from; v <= to; v += by {
			set |= 1 << v
		}
	}
	return set, nil
}

func parseValue(text string, least, most int, names []string) (int, error) {
	if i := slices.Index(names, strings.ToLower(text)); i >= 0 {
		return i + least, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < least || v > most || strings.HasPrefix(text, "+") {
		return 0, fmt.Errorf("%q is not a value from %d to %d", text, least, most)
	}
	return v, nil
}

// next implements schedule. It returns the zero time if there is none.
func (c *cron) next(t time.Time) time.Time {
	t = t.In(c.zone)
	year, month, day := t.Date()
	for n := range horizon {
		noon := time.Date(year, month, day+n, 12, 0, 0, 0, c.zone) // every zone has it on every day
		if !c.on(noon) {
			continue
		}
		for hours := c.hours; hours != 0; hours &= hours - 1 {
			for minutes := c.minutes; minutes != 0; minutes &= minutes - 1 {
				if at := c.clock(noon, bits.TrailingZeros64(hours), bits.TrailingZeros64(minutes)); at.After(t) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// on reports whether the schedule has times on a day.
func (c *cron) on(day time.Time) bool {
	byDate := c.days&(1<<day.Day()) != 0
	byWeekday := c.weekdays&(1<<day.Weekday()) != 0
	if c.months&(1<<day.Month()) == 0 {
		return false
	}
	if c.either {
		return byDate || byWeekday
	}
	return byDate && byWeekday
}

// clock returns a time of day, the first if clocks that go back show it twice. A time that clocks skip when they go forward is as
// late as it would have been without the change. Cron runs jobs at these times, so nothing is expected too early.
func (c *cron) clock(day time.Time, hour, minute int) time.Time {
	year, month, date := day.Date()
	at := time.Date(year, month, date, hour, minute, 0, 0, c.zone)
	_, offset := at.Add(-6 * time.Hour).Zone()
	unchanged := time.Date(year, month, date, hour, minute, 0, 0, time.FixedZone("", offset)).In(c.zone)
	shows := func(t time.Time) bool { return t.Hour() == hour && t.Minute() == minute }
	if !shows(unchanged) && shows(at) { // it is after the change
		return at
	}
	return unchanged
}
