package heartbeats

import (
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Result is what a ping says.
type Result string

// The results. A run begins with Started and ends with Succeeded or Failed; Logged is only a log line.
const (
	Succeeded Result = "success"
	Failed    Result = "fail"
	Started   Result = "start"
	Logged    Result = "log"
)

// results are all results, in the order in which they are shown.
var results = []Result{Succeeded, Failed, Started, Logged}

// ping is one request.
type ping struct {
	heartbeat *Heartbeat
	at        time.Time
	result    Result
	// exitCode is the one in the URL; nil if there is none.
	exitCode *int
	// run identifies the run that it belongs to; empty if the client does not tell.
	run string
	// text is the first KiB of the body.
	text string
	// client and agent are the address and the User-Agent of the sender.
	client, agent string
}

// maxExitCode is that of Unix processes.
const maxExitCode = 255

// actionOf returns the meaning of the part of the URL behind the token; false if it has none.
func actionOf(action string) (Result, *int, bool) {
	switch action {
	case "":
		return Succeeded, nil, true
	case "start", "fail", "log":
		return Result(action), nil, true
	}
	code, err := strconv.ParseUint(action, 10, 16)
	if err != nil || code > maxExitCode {
		return "", nil, false
	}
	exit := int(code)
	if exit == 0 {
		return Succeeded, &exit, true
	}
	return Failed, &exit, true
}

// Prefix is the path of all pings; Handler also serves OtherPrefix, the path in the URLs of a self-hosted healthchecks.
const (
	Prefix      = "/hb/"
	OtherPrefix = "/ping/"
)

// tokens returns what may be the token at the beginning of a path below Prefix, the longest first, each with the rest: the URLs of
// healthchecks.io have one or two segments before the action.
func tokens(below string) (possible [][2]string) {
	segments := strings.Split(strings.TrimSuffix(below, "/"), "/")
	switch len(segments) {
	case 1:
		return [][2]string{{segments[0], ""}}
	case 2:
		return [][2]string{{segments[0] + "/" + segments[1], ""}, {segments[0], segments[1]}}
	case 3:
		return [][2]string{{segments[0] + "/" + segments[1], segments[2]}}
	}
	return nil
}

// Aliases also serves the URLs of hc-ping.com, which have no prefix: a UUID, or a ping key and a slug, at the root. No other URL
// begins with a segment of that form.
func Aliases(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if atRoot(r.URL.Path) {
			url := *r.URL
			url.Path, url.RawPath = Prefix+strings.TrimPrefix(url.Path, "/"), ""
			in := *r
			in.URL = &url
			r = &in
		}
		next.ServeHTTP(w, r)
	})
}

// atRoot reports whether a path without Prefix is that of a ping.
func atRoot(path string) bool {
	first, rest, below := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return uuid.MatchString(first) || below && rest != "" && pingKey.MatchString(first)
}

// HideToken returns a path of the main address without the token in it, for logs.
func HideToken(p string) string {
	clean := path.Clean("/" + p)
	prefix := "/"
	for _, known := range []string{Prefix, OtherPrefix} {
		if strings.HasPrefix(clean, known) {
			prefix = known
		}
	}
	if prefix == "/" && !atRoot(clean) {
		return p
	}
	_, rest, below := strings.Cut(strings.TrimPrefix(clean, prefix), "/")
	if !below {
		return prefix + "<token>"
	}
	return prefix + "<token>/" + rest
}
