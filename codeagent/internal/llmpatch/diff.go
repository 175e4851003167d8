package llmpatch

import (
	"errors"
	"fmt"
	"strings"
)

// hunk is one change of a unified diff: its first line (1 is the first line of the file), the old lines and the new ones.
type hunk struct {
	start    int
	old, new []string
}

// apply applies a unified diff to the text. The diff must be about one file; its old lines must occur in the text, but may have
// moved.
func apply(text, diff string) (string, error) {
	hunks, err := parseDiff(diff)
	if err != nil {
		return "", err
	}
	lines := strings.Split(text, "\n")
	var out []string
	at := 0 // the lines before it are in out
	for i, h := range hunks {
		place := find(lines, h, at)
		if place < 0 {
			return "", fmt.Errorf("hunk %d does not fit", i+1)
		}
		out = append(append(out, lines[at:place]...), h.new...)
		at = place + len(h.old)
	}
	return strings.Join(append(out, lines[at:]...), "\n"), nil
}

// find returns the position closest to the one in the hunk, at or after from, or -1 if there is none.
func find(lines []string, h hunk, from int) int {
	want := max(h.start-1, from)
	if len(h.old) == 0 { // an insertion follows the line that it names
		if h.start > len(lines) || h.start < from {
			return -1
		}
		return h.start
	}
	want = min(want, max(len(lines)-len(h.old), from))
	for distance := 0; distance <= len(lines); distance++ {
		for _, place := range [2]int{want - distance, want + distance} {
			if place >= from && place+len(h.old) <= len(lines) && equal(lines[place:place+len(h.old)], h.old) {
				return place
			}
		}
	}
	return -1
}

func equal(a, b []string) bool {
	for i := range a {
		if strings.TrimSuffix(a[i], "\r") != strings.TrimSuffix(b[i], "\r") {
			return false
		}
	}
	return true
}

// parseDiff parses the hunks. Models count lines badly, so only the beginning of a hunk is taken from its header.
func parseDiff(diff string) ([]hunk, error) {
	var hunks []hunk
	files := 0
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "--- ") && len(hunks) == 0, strings.HasPrefix(line, "--- a/"): // else a deleted line that began with --
			if files++; files > 1 {
				return nil, errors.New("diff is about more than one file")
			}
		case strings.HasPrefix(line, "@@"):
			h := hunk{}
			if n, _ := fmt.Sscanf(line, "@@ -%d", &h.start); n != 1 || h.start < 0 {
				return nil, fmt.Errorf("hunk begins with %q", line)
			}
			hunks = append(hunks, h)
		case len(hunks) == 0: // diff --git, index, +++
		case strings.HasPrefix(line, `\`): // No newline at end of file
		default:
			h := &hunks[len(hunks)-1]
			sign, rest := byte(' '), ""
			if line != "" {
				sign, rest = line[0], line[1:]
			}
			switch sign {
			case ' ':
				h.old, h.new = append(h.old, rest), append(h.new, rest)
			case '-':
				h.old = append(h.old, rest)
			case '+':
				h.new = append(h.new, rest)
			default:
				return nil, fmt.Errorf("line of a hunk begins with %q", sign)
			}
		}
	}
	if len(hunks) == 0 {
		return nil, errors.New("no hunk in the diff")
	}
	return hunks, nil
}

// fenced extracts the diff from the response, because models tend to wrap it in a code block.
func fenced(answer string) string {
	for _, fence := range []string{"```diff\n", "```patch\n", "```\n"} {
		if _, rest, ok := strings.Cut(answer, fence); ok {
			diff, _, _ := strings.Cut(rest, "\n```")
			return strings.TrimSuffix(diff, "\n") + "\n"
		}
	}
	return strings.TrimSpace(answer) + "\n"
}
