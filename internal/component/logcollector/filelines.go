package logcollector

import (
	"bytes"
	"strings"
	"time"
)

// split cuts content into lines; each gets a time one nanosecond after the one before.
func (r *fileReader) split(content []byte, base int64, closeLine bool) []raw {
	lines := make([]raw, 0, bytes.Count(content, newline)+1)
	start := 0
	add := func(text []byte, end int) {
		lines = append(lines, raw{text: r.text(text), at: time.Unix(0, base+int64(len(lines))), end: end})
	}
	for start < len(content) {
		rest := content[start:]
		n := bytes.IndexByte(rest, '\n')
		switch {
		case n > maxLine || n < 0 && len(rest) > maxLine:
			cut := runeStart(rest, maxLine)
			add(rest[:cut], start+cut)
			start += cut
		case n >= 0:
			add(rest[:n], start+n+1)
			start += n + 1
		case closeLine:
			add(rest, len(content))
			start = len(content)
		default:
			return lines
		}
	}
	return lines
}

var newline = []byte{'\n'}

// runeStart returns the last index at or before n where a character starts.
func runeStart(b []byte, n int) int {
	for i := n; i > n-4 && i > 0; i-- {
		if b[i]&0xC0 != 0x80 {
			return i
		}
	}
	return n
}

// text turns a line into valid UTF-8.
func (r *fileReader) text(line []byte) string {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if r.decode != nil {
		if decoded, err := r.decode.Bytes(line); err == nil {
			return string(decoded)
		}
	}
	return strings.ToValidUTF8(string(line), "\uFFFD")
}

// maxAhead is how far ahead of the clock the time of one line may push the times of the next ones. Loki rejects times
// more than ten minutes in the future.
const maxAhead = 5 * time.Minute

// tooOld is the age from which on lines get new times. Loki rejects lines an hour behind others of their stream, which
// may have been written by other files in the meantime.
const tooOld = 45 * time.Minute

// timely reports whether the store accepts lines with times assigned at the given time.
func timely(given int64, now time.Time) bool {
	return given <= now.Add(maxAhead).UnixNano() && given >= now.Add(-tooOld).UnixNano()
}

// nextTime returns the time of the line after one that got the time given. Times increase, unless the clock was ahead
// before: then lines get the current time.
func nextTime(now time.Time, given int64) int64 {
	if given > now.Add(maxAhead).UnixNano() {
		return now.UnixNano()
	}
	return max(now.UnixNano(), given+1)
}
