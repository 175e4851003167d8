package edge

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

var (
	errNoPath  = errors.New("the request path must begin with /")
	errEncoded = errors.New(`the path holds an encoded slash, a backslash or a control character; only the name in …/label/<name>/values may`)
)

// canonical makes the path and its escaped form equivalent. Routers disagree about %2f: one treats it as a character within a
// segment, another as the end of a segment, so a request that looks like a reader's to one may be an admin's to the other.
// Therefore the path must not contain ambiguous characters, except in a label name that is a segment of its own.
func canonical(u *url.URL) error {
	if u.Path == "*" && u.RawPath == "" { // of OPTIONS
		return nil
	}
	if !strings.HasPrefix(u.Path, "/") {
		return errNoPath
	}
	segments := strings.Split(u.EscapedPath(), "/")
	special := false
	for i, escaped := range segments {
		segment, err := url.PathUnescape(escaped)
		if err != nil {
			return errEncoded
		}
		segments[i] = url.PathEscape(segment)
		if !ambiguous(segment) {
			continue
		}
		if !isLabelName(segments, i) || climbs(segment) {
			return errEncoded
		}
		special = true
	}
	u.RawPath = ""
	if special {
		u.RawPath = strings.Join(segments, "/")
	}
	return nil
}

// ambiguous reports whether a segment contains characters that routers and file systems interpret differently.
func ambiguous(segment string) bool {
	return strings.ContainsFunc(segment, func(c rune) bool { return c == '/' || c == '\\' || c < 0x20 || c == 0x7f })
}

// isLabelName reports whether the segment is the name in …/label/<name>/values, which can be any text in Prometheus and Loki, and
// which is at the end of every path that contains it.
func isLabelName(segments []string, i int) bool {
	return i > 0 && segments[i-1] == "label" && i == len(segments)-2 && segments[i+1] == "values"
}

// climbs reports whether a name would lead elsewhere if it were used as a path.
func climbs(name string) bool {
	parts := strings.FieldsFunc(name, func(c rune) bool { return c == '/' || c == '\\' })
	return slices.Contains(parts, "..") || slices.Contains(parts, ".") || strings.ContainsRune(name, 0)
}
