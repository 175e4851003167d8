package heartbeats

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func TestCron(t *testing.T) {
	for _, c := range []struct{ expression, zone, after, next string }{
		{"* * * * *", "UTC", "2026-11-29T15:00:00Z", "2026-11-29T15:01:00Z"},
		{"*/15 * * * *", "UTC", "2026-11-29T15:59:59Z", "2026-11-29T16:00:00Z"},
		{"5,35 8-10 * * *", "UTC", "2026-11-29T10:35:00Z", "2026-11-30T08:05:00Z"},
		{"0 3 * * *", "Europe/Berlin", "2026-11-29T03:00:00Z", "2026-11-30T02:00:00Z"},
		{"10-40/10 0 * * *", "UTC", "2026-11-29T00:20:00Z", "2026-11-29T00:30:00Z"},
		{"0 0 1 1 *", "UTC", "2026-11-29T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"0 0 29 feb *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 12 * * 7", "UTC", "2026-11-29T12:00:00Z", "2026-12-06T12:00:00Z"},
		{"0 12 * * Sun", "UTC", "2026-11-29T12:00:00Z", "2026-12-06T12:00:00Z"},
		{"0 12 * * 5-7", "UTC", "2026-11-28T12:00:00Z", "2026-11-29T12:00:00Z"},
		{"0 0 13 * 5", "UTC", "2026-11-29T00:00:00Z", "2026-12-04T00:00:00Z"},  // Friday or the 13th
		{"0 0 */2 * 5", "UTC", "2026-11-29T01:00:00Z", "2026-12-11T00:00:00Z"}, // Friday and an odd day
		{"@daily", "UTC", "2026-11-29T15:00:00Z", "2026-11-30T00:00:00Z"},
		{"@Hourly", "Asia/Kolkata", "2026-11-29T15:00:00Z", "2026-11-29T15:30:00Z"},
		// Clocks go forward from 2:00 to 3:00, and back from 3:00 to 2:00.
		{"30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z"},
		{"30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", "2027-03-14T07:30:00Z"},
	} {
		s, err := parseCron(c.expression, zone(t, c.zone))
		require.NoError(t, err, c.expression)
		after, err := time.Parse(time.RFC3339, c.after)
		require.NoError(t, err)
		require.Equal(t, c.next, s.next(after).UTC().Format(time.RFC3339), "%s after %s", c.expression, c.after)
	}
}

func TestCronProblems(t *testing.T) {
	for expression, want := range map[string]string{
		"0 3 * *":       `"0 3 * *" is not a cron expression of minute, hour, day of month, month and day of week`,
		"@reboot":       `"@reboot" is not a cron expression of minute, hour, day of month, month and day of week`,
		"60 * * * *":    `minute "60": "60" is not a value from 0 to 59`,
		"* 24 * * *":    `hour "24": "24" is not a value from 0 to 23`,
		"* * 0 * *":     `day of month "0": "0" is not a value from 1 to 31`,
		"* * * foo *":   `month "foo": "foo" is not a value from 1 to 12`,
		"* * * * 8":     `day of week "8": "8" is not a value from 0 to 7`,
		"*/0 * * * *":   `minute "*/0": "0" is not a step from 1 to 59`,
		"5/10 * * * *":  `minute "5/10": a step needs a range, as in */5 or 10-40/5`,
		"30-10 * * * *": `minute "30-10": 30 comes after 10`,
		"1,,2 * * * *":  `minute "1,,2": "" is not a value from 0 to 59`,
		"0 0 30 2 *":    `"0 0 30 2 *" never happens`,
	} {
		_, err := parseCron(expression, time.UTC)
		require.EqualError(t, err, want, expression)
	}
}

// Whatever is accepted has a next time, which is later, and matches.
func FuzzCron(f *testing.F) {
	for _, seed := range []string{"* * * * *", "*/15 8-18 * * mon-fri", "0 0 29 2 *", "0 0 13 * 5", "@weekly", "1,2,3-5/2 * 1-7 jan,DEC 7", "0 0 30 2 *", "- - - - -"} {
		f.Add(seed, int64(1_800_000_000))
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		s, err := parseCron(text, berlin)
		if err != nil {
			return
		}
		after := time.Unix(unix%4_000_000_000, 0)
		next := s.next(after)
		require.True(t, next.After(after), "%q after %s: %s", text, after, next)
		require.Zero(t, next.Second())
		require.True(t, s.(*cron).on(next), "%q: %s", text, next)
	})
}
