package heartbeats

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/problem"
)

const (
	defaultGrace = 5 * time.Minute
	// minInterval is the shortest interval: metrics are scraped every 15 s, and pings are limited, see limits.go.
	minInterval = 10 * time.Second
	// maxHeartbeats bounds the series: each heartbeat has about a dozen.
	maxHeartbeats = 1000
	maxLabels     = 8
	maxName       = 100
	// minToken and minDistinct keep out tokens that can be guessed; a UUID has 36 characters.
	minToken, maxToken, minDistinct = 16, 200, 6
)

// Source is the content of heartbeats.yml.
type Source struct {
	// Name is the path shown in messages, Dir the folder that relative paths in the file refer to.
	Name, Dir string
	Content   []byte
	// Copies maps the paths of the files that this one names to the places they are read from instead.
	Copies map[string]string
}

// Config is a checked heartbeats.yml.
type Config struct {
	// Heartbeats are sorted by name.
	Heartbeats []*Heartbeat

	byToken map[tokenHash]*Heartbeat
	files   []string
}

// Files returns the files that heartbeats.yml names.
func (c *Config) Files() []string { return c.files }

// tokenHash is what is kept of a token. Looking up a hash takes the same time whatever part of a token is right.
type tokenHash [sha256.Size]byte

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// find returns the heartbeat with the token; nil if there is none.
func (c *Config) find(token string) *Heartbeat { return c.byToken[hashOf(canonical(token))] }

// Heartbeat is something that is expected to report.
type Heartbeat struct {
	Name, Group string
	// Labels are added to its metrics and log lines.
	Labels map[string]string
	// Every is the interval, or Cron and Timezone the schedule, as written in the file.
	Every, Cron, Timezone string
	// Grace is how late it may be. MaxDuration is how long a run may take; 0 means that it is not watched.
	Grace, MaxDuration time.Duration

	schedule schedule
}

// interval describes the schedule, so that a changed one is recognized.
func (h *Heartbeat) interval() string {
	if h.Cron != "" {
		return h.Cron + " " + h.Timezone
	}
	return h.Every
}

// LoadConfig parses heartbeats.yml. It returns all problems, each as "file:line: field: reason", and never repeats a token.
func LoadConfig(s Source) (*Config, []error) {
	r := &reader{source: s, config: &Config{byToken: map[tokenHash]*Heartbeat{}}, names: map[string]bool{}}
	var doc yaml.Node
	if err := yaml.Unmarshal(s.Content, &doc); err != nil {
		return nil, problem.Describe(s.Name, err)
	}
	if len(doc.Content) > 0 {
		r.document(doc.Content[0])
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	slices.SortFunc(r.config.Heartbeats, func(a, b *Heartbeat) int { return strings.Compare(a.Name, b.Name) })
	return r.config, nil
}

// reader collects the heartbeats and the problems of a file.
type reader struct {
	source   Source
	config   *Config
	problems []error
	names    map[string]bool
}

func (r *reader) wrong(at *yaml.Node, field, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s:%d: %s: %w", r.source.Name, at.Line, field, fmt.Errorf(format, args...)))
}

func (r *reader) document(root *yaml.Node) {
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return
	}
	for key, value := range r.fields(root, "") {
		switch {
		case key.Value != "heartbeats":
			r.wrong(key, key.Value, "unknown field")
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
		case value.Kind != yaml.SequenceNode:
			r.wrong(value, "heartbeats", "must be a list")
		default:
			for i, item := range value.Content {
				r.heartbeat(resolved(item), fmt.Sprintf("heartbeats[%d]", i))
			}
			if len(value.Content) > maxHeartbeats {
				r.wrong(value, "heartbeats", "more than %d heartbeats", maxHeartbeats)
			}
		}
	}
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// fields yields the keys and values of a mapping, each key once.
func (r *reader) fields(n *yaml.Node, where string) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			r.wrong(n, cmp.Or(where, "heartbeats.yml"), "must be a section with fields")
			return
		}
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if seen[key.Value] {
				r.wrong(key, strings.TrimPrefix(where+"."+key.Value, "."), "is there twice")
				continue
			}
			seen[key.Value] = true
			if !yield(key, resolved(n.Content[i+1])) {
				return
			}
		}
	}
}

// heartbeat reads one item of the list.
func (r *reader) heartbeat(n *yaml.Node, where string) {
	before := len(r.problems)
	h := &Heartbeat{Grace: defaultGrace, Timezone: "UTC"}
	at := map[string]*yaml.Node{}
	var token string
	for key, value := range r.fields(n, where) {
		field := where + "." + key.Value
		at[key.Value] = value
		if key.Value == "labels" {
			h.Labels = r.labels(value, field)
			continue
		}
		if value.Kind != yaml.ScalarNode {
			r.wrong(value, field, "must be a single value")
			continue
		}
		switch text := value.Value; key.Value {
		case "name":
			h.Name = text
			r.check(value, field, checkName(text))
		case "group":
			h.Group = text
			r.check(value, field, checkText(text))
		case "token":
			token = canonical(text)
			r.check(value, field, checkToken(token))
		case "token_file":
			token = r.tokenFile(value, field)
		case "every":
			h.Every = text
			h.schedule = every(r.duration(value, field, minInterval))
		case "cron":
			h.Cron = text
		case "timezone":
			h.Timezone = text
		case "grace":
			h.Grace = r.duration(value, field, 0)
		case "max_duration":
			h.MaxDuration = r.duration(value, field, time.Second)
		default:
			r.wrong(key, field, "unknown field")
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	r.require(n, where, at)
	r.cron(h, where, at)
	if len(r.problems) > before {
		return
	}
	if r.names[h.Name] {
		r.wrong(at["name"], where+".name", "%q is there twice", h.Name)
	}
	if other, taken := r.config.byToken[hashOf(token)]; taken {
		r.wrong(n, where, "has the token of %q", other.Name)
	}
	r.names[h.Name] = true
	r.config.byToken[hashOf(token)] = h
	r.config.Heartbeats = append(r.config.Heartbeats, h)
}

// require checks which fields are there.
func (r *reader) require(n *yaml.Node, where string, at map[string]*yaml.Node) {
	if at["name"] == nil {
		r.wrong(n, where, "name is missing")
	}
	for _, choice := range [][2]string{{"token", "token_file"}, {"every", "cron"}} {
		switch one, other := at[choice[0]], at[choice[1]]; {
		case one == nil && other == nil:
			r.wrong(n, where, "%s or %s is missing", choice[0], choice[1])
		case one != nil && other != nil:
			r.wrong(n, where, "%s and %s exclude each other", choice[0], choice[1])
		}
	}
	if at["timezone"] != nil && at["cron"] == nil {
		r.wrong(at["timezone"], where+".timezone", "is only used together with cron")
	}
}

func (r *reader) cron(h *Heartbeat, where string, at map[string]*yaml.Node) {
	if at["cron"] == nil || h.Cron == "" {
		h.Timezone = ""
		if at["cron"] != nil {
			r.wrong(at["cron"], where+".cron", "must not be empty")
		}
		return
	}
	zone, err := time.LoadLocation(h.Timezone)
	if err != nil || h.Timezone == "" || h.Timezone == "Local" {
		r.wrong(at["timezone"], where+".timezone", "%q is not the name of a time zone such as Europe/Berlin", h.Timezone)
		return
	}
	schedule, err := parseCron(h.Cron, zone)
	r.check(at["cron"], where+".cron", err)
	h.schedule = schedule
}

func (r *reader) check(at *yaml.Node, field string, err error) {
	if err != nil {
		r.wrong(at, field, "%w", err)
	}
}

func (r *reader) duration(n *yaml.Node, field string, least time.Duration) time.Duration {
	d, err := model.ParseDuration(n.Value)
	switch {
	case err != nil:
		r.wrong(n, field, "%q is not a duration such as 90s, 15m, 1d or 1d12h", n.Value)
	case time.Duration(d) < least:
		r.wrong(n, field, "must be at least %s", least)
	}
	return time.Duration(d)
}

// reserved are labels that the metrics and log lines have anyway.
var reserved = []string{"heartbeat", "group", "job", "instance", "result", "service_name", "severity", "alertname"}

func (r *reader) labels(n *yaml.Node, field string) map[string]string {
	labels := map[string]string{}
	for key, value := range r.fields(n, field) {
		name := key.Value
		switch {
		case !model.LegacyValidation.IsValidLabelName(name) || strings.HasPrefix(name, "__"):
			r.wrong(key, field, "%q is not the name of a label", name)
		case slices.Contains(reserved, name):
			r.wrong(key, field, "the label %s is set by Ausguck", name)
		case value.Kind != yaml.ScalarNode:
			r.wrong(value, field+"."+name, "must be a single value")
		default:
			r.check(value, field+"."+name, checkText(value.Value))
			labels[name] = value.Value
		}
	}
	if len(labels) > maxLabels {
		r.wrong(n, field, "more than %d labels", maxLabels)
	}
	return labels
}

func (r *reader) tokenFile(n *yaml.Node, field string) string {
	path := n.Value
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.source.Dir, path)
	}
	r.config.files = append(r.config.files, path)
	from := path
	if r.source.Copies != nil && r.source.Copies[path] != "" {
		from = r.source.Copies[path]
	}
	content, err := os.ReadFile(from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.wrong(n, field, "file %s does not exist", path)
		return ""
	case err != nil:
		r.wrong(n, field, "%w", problem.Explain(err))
		return ""
	}
	token := canonical(strings.TrimSpace(string(content)))
	if err := checkToken(token); err != nil {
		r.wrong(n, field, "the token in %s %w", path, err)
	}
	return token
}

func checkName(name string) error {
	if name == "" {
		return errors.New("must not be empty")
	}
	return checkText(name)
}

func checkText(text string) error {
	if len(text) > maxName {
		return fmt.Errorf("is longer than %d characters", maxName)
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c < 0x20 || c == 0x7f || c == 0xfffd }) {
		return errors.New("has control characters")
	}
	return nil
}

var (
	uuid    = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	secret  = regexp.MustCompile(`^[A-Za-z0-9_~.-]+$`)
	slug    = regexp.MustCompile(`^[a-z0-9_-]+$`)
	pingKey = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
)

// canonical returns the one spelling of a token: UUIDs may be written in capital letters.
func canonical(token string) string {
	if uuid.MatchString(token) {
		return strings.ToLower(token)
	}
	return token
}

// checkToken checks a token, or the ping key and the slug of healthchecks.io with a slash in between. The error does not repeat
// it.
func checkToken(token string) error {
	key, name, isSlug := strings.Cut(token, "/")
	distinct := map[rune]bool{}
	for _, c := range key {
		distinct[c] = true
	}
	_, _, isAction := actionOf(name)
	switch {
	case len(key) < minToken:
		return fmt.Errorf("must have at least %d characters, such as a UUID (uuidgen prints one)", minToken)
	case len(token) > maxToken:
		return fmt.Errorf("must have at most %d characters", maxToken)
	case len(distinct) < minDistinct:
		return fmt.Errorf("must have at least %d different characters, such as a UUID (uuidgen prints one)", minDistinct)
	case !secret.MatchString(key):
		return errors.New("must consist of letters, digits and the characters - _ . ~")
	case isSlug && !slug.MatchString(name):
		return errors.New("must have a slug of a-z, 0-9, - and _ behind its slash")
	case isSlug && isAction:
		return errors.New("must not have a slug that has a meaning in the URL: start, fail, log, or a number")
	}
	return nil
}
