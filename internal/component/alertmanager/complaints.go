package alertmanager

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"
)

// complaints are what memberlist, the library of the cluster, says about other peers. Upstream logs all of it at Debug and has no other way
// to learn of it: peers that do not receive UDP are members like others, but hear of notifications only once a minute.
type complaints struct {
	mtx  sync.Mutex
	last map[string]time.Time // by text
}

const (
	// current is for how long a complaint holds: peers are checked every second in turn, and exchange their names every minute.
	current = 3 * time.Minute
	// complainEvery is how often the log repeats one.
	complainEvery = time.Hour
)

var (
	withoutUDP = regexp.MustCompile(`^\[WARN\] memberlist: Was able to connect to (.+) over TCP but UDP probes failed`)
	sameName   = regexp.MustCompile(`^\[ERR\] memberlist: Conflicting address for (.+)\. Mine: (\S+) Theirs: (\S+) Old state`)
)

// record raises the messages that somebody must act on, and says what to do.
func (c *complaints) record(r slog.Record) slog.Record {
	text := ""
	if m := withoutUDP.FindStringSubmatch(r.Message); m != nil {
		text = fmt.Sprintf("%s is reached over TCP and not over UDP, so notifications may be sent twice: open the cluster port for UDP too", m[1])
	} else if m := sameName.FindStringSubmatch(r.Message); m != nil {
		addresses := []string{m[2], m[3]}
		slices.Sort(addresses)
		text = fmt.Sprintf("%s and %s both have the name %s, so one of them is left out: set --cluster.peer-name", addresses[0], addresses[1], m[1])
	}
	if text == "" {
		return r
	}
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if c.last == nil || len(c.last) > 100 {
		c.last = map[string]time.Time{}
	}
	c.last[text] = r.Time
	raised := slog.NewRecord(r.Time, slog.LevelWarn, "Problem in the cluster", r.PC)
	raised.AddAttrs(slog.String("problem", text))
	return raised
}

// list returns the current ones.
func (c *complaints) list(now time.Time) (texts []string) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	for text, at := range c.last {
		if now.Sub(at) < current {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return texts
}
