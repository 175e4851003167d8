package prober

import (
	"regexp"
	"strconv"
	"strings"
)

// scrapeKey identifies a probe by what its scrapes ask for.
type scrapeKey struct{ module, target string }

// known reports whether a module and a target are those of a probe. Only their reasons are kept: everybody who may probe can ask
// for any number of others.
func (p *Prober) known(module, target string) bool {
	for _, e := range p.state.Load().probes {
		if e.moduleName() == module && e.address == target {
			return true
		}
	}
	return false
}

// reason returns why the last probe failed; empty if it did not.
func (p *Prober) reason(e entry) string {
	text, _ := p.reasons.Load(scrapeKey{e.moduleName(), e.address})
	s, _ := text.(string)
	return s
}

// keepReason stores why a probe failed, which only its log says.
func (p *Prober) keepReason(q request, r *result) {
	key := scrapeKey{q.name, q.target}
	if r.success {
		p.reasons.Delete(key)
		return
	}
	log := r.log.String()
	reason := reasonIn(log)
	if remedy, forbidden := pingsForbidden(q.module, log); forbidden {
		p.calm.Warn("ICMP probes fail: this process may not send echo requests", "remedy", remedy)
		reason = "this process may not send echo requests; " + remedy
	}
	if p.known(q.name, q.target) {
		p.reasons.Store(key, reason)
	}
}

var (
	logMessage = regexp.MustCompile(`msg=("(?:[^"\\]|\\.)*"|\S+)`)
	logError   = regexp.MustCompile(`err=("(?:[^"\\]|\\.)*"|\S+)`)
)

// reasonIn returns the first problem in the log of a failed probe.
func reasonIn(log string) string {
	for line := range strings.Lines(log) {
		message := logMessage.FindStringSubmatch(line)
		if message == nil || !strings.Contains(line, "level=ERROR") && !strings.Contains(line, "level=WARN") || strings.Contains(line, "Received redirect") {
			continue
		}
		text := unquoted(message[1])
		if err := logError.FindStringSubmatch(line); err != nil {
			text += ": " + unquoted(err[1])
		}
		return text
	}
	return ""
}

func unquoted(s string) string {
	if text, err := strconv.Unquote(s); err == nil {
		return text
	}
	return s
}
