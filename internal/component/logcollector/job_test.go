package logcollector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A batch ends before the first piece of a line whose last piece is missing.
func TestCompleteCRI(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  int
	}{
		"whole lines":               {[]string{"t stdout F a", "t stderr F b"}, 2},
		"pieces with their end":     {[]string{"t stdout P a", "t stdout F b"}, 2},
		"no end":                    {[]string{"t stdout F a", "t stdout P b"}, 1},
		"no end of one of two":      {[]string{"t stdout P a", "t stderr F b", "t stderr F c"}, 0},
		"the end of another stream": {[]string{"t stderr F a", "t stdout P b", "t stderr F c"}, 1},
		"not of a container":        {[]string{"a", "b c"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []raw
			for _, text := range c.lines {
				lines = append(lines, raw{text: text})
			}
			require.Equal(t, c.want, completeCRI(lines))
		})
	}
}

// Lines that come with equal times get different ones, and the same ones if they are read again from the same
// position.
func TestStamp(t *testing.T) {
	at := time.Unix(1_000, 0)
	read := func(p position) ([]int64, position) {
		entries := []entry{{at: at}, {at: at}, {at: at}, {at: at.Add(time.Second)}, {at: at.Add(time.Second)}}
		stamp(entries, 0, 0, &p)
		var times []int64
		for _, e := range entries {
			times = append(times, e.at.UnixNano()-at.UnixNano())
		}
		return times, p
	}
	second := int64(time.Second)
	times, after := read(position{})
	require.Equal(t, []int64{0, 1, 2, second, second + 1}, times)
	again, _ := read(position{})
	require.Equal(t, times, again)
	follow := []entry{{at: at.Add(time.Second)}}
	stamp(follow, 0, 0, &after)
	require.Equal(t, at.Add(time.Second+2), follow[0].at, "the batch after it goes on")
	given := []entry{{at: at}, {at: at.Add(1)}}
	stamp(given, at.UnixNano(), 2, &after)
	require.Equal(t, at, given[0].at, "times that the reader gave differ already")
}
