package heartbeats

import (
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/bounds"
)

const (
	// maxText is how much of a body is kept, in bytes. Clients are told in Ping-Body-Limit, as by healthchecks.io.
	maxText = 1 << 10
	// maxAgent is how much of a User-Agent is kept.
	maxAgent = 200
)

// answer is the response to a ping. Those that healthchecks.io gives too have its text.
type answer struct {
	code int
	text string
	// wait is when to try again; 0 if that is useless.
	wait time.Duration
}

var (
	ok         = answer{code: http.StatusOK, text: "OK"}
	notFound   = answer{code: http.StatusNotFound, text: "not found"}
	badURL     = answer{code: http.StatusBadRequest, text: "invalid url format"}
	badRun     = answer{code: http.StatusBadRequest, text: "invalid uuid format"}
	badMethod  = answer{code: http.StatusMethodNotAllowed, text: "send GET, HEAD or POST"}
	badBody    = answer{code: http.StatusBadRequest, text: "the body could not be read"}
	tooLarge   = answer{code: http.StatusRequestEntityTooLarge, text: "the body is larger than 16 MiB; only its first KiB is kept"}
	notRunning = answer{code: http.StatusServiceUnavailable, text: "heartbeats are not taken yet", wait: time.Second}
	notStored  = answer{code: http.StatusServiceUnavailable, text: "the ping could not be stored", wait: 5 * time.Second}
)

// tooMany is the answer to too many pings with one token, or to too many unknown tokens.
func tooMany(wait time.Duration) answer {
	return answer{code: http.StatusTooManyRequests, text: "rate limited", wait: wait}
}

// Handler takes pings below Prefix and OtherPrefix. It requires no credentials but the token in the URL.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := s.serve(w, r)
		s.metrics.requests.WithLabelValues(strconv.Itoa(a.code)).Inc()
		header := w.Header()
		header.Set("Content-Type", "text/plain; charset=utf-8")
		header.Set("Cache-Control", "no-store")
		header.Set("Access-Control-Allow-Origin", "*") // the token is all that is needed, so this gives nothing away
		if a.code == http.StatusOK {
			header.Set("Ping-Body-Limit", strconv.Itoa(maxText))
		}
		if a.code == http.StatusMethodNotAllowed {
			header.Set("Allow", "GET, HEAD, POST")
		}
		if a.wait > 0 {
			header.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.wait.Seconds()))))
		}
		w.WriteHeader(a.code)
		_, _ = w.Write([]byte(a.text)) // fails only if the client has disconnected
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) answer {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		return badMethod
	}
	cfg, store := s.running()
	if store == nil {
		return notRunning
	}
	h, action := lookUp(cfg, r.URL.Path)
	client := clientOf(r)
	network := s.options.Network(client)
	if wait := s.limits.guess(h, network); wait > 0 {
		return tooMany(wait)
	}
	if h == nil {
		return notFound
	}
	if wait := s.limits.ping(h.Name); wait > 0 {
		return tooMany(wait)
	}
	p := &ping{heartbeat: h, client: client, agent: plainText(head(r.UserAgent(), maxAgent))}
	var known bool
	if p.result, p.exitCode, known = actionOf(action); !known {
		return badURL
	}
	if run := r.URL.Query().Get("rid"); run != "" {
		if !uuid.MatchString(run) {
			return badRun
		}
		p.run = strings.ToLower(run)
	}
	text, err := bounds.Head(w, r, maxText)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge
	case err != nil:
		return badBody
	}
	p.text = plainText(strings.TrimSpace(string(text)))
	p.at = time.Now()
	if err := store.take(r.Context(), p); err != nil {
		if r.Context().Err() == nil && !errors.Is(err, errStopping) {
			s.logger.Error("Ping not stored; the client is asked to try again", "heartbeat", h.Name, "err", err)
		}
		return notStored
	}
	s.limits.remember(h.Name, network)
	return ok
}

// lookUp returns the heartbeat whose token is in the path, and the rest of the path.
func lookUp(cfg *Config, path string) (*Heartbeat, string) {
	for _, prefix := range []string{Prefix, OtherPrefix} {
		if below, found := strings.CutPrefix(path, prefix); found {
			for _, possible := range tokens(below) {
				if h := cfg.find(possible[0]); h != nil {
					return h, possible[1]
				}
			}
		}
	}
	return nil, ""
}

func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func head(s string, n int) string { return s[:min(len(s), n)] }

// plainText replaces bytes that are not UTF-8 and control characters, which could change what a terminal shows.
func plainText(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c >= 0x7f && c < 0xa0 {
			return '\ufffd'
		}
		return c
	}, strings.ToValidUTF8(s, "\ufffd"))
}
