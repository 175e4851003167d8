package heartbeats

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
)

// Source is the content of heartbeats.yml.
type Source struct {
	// Name is the path shown in messages, Dir the folder that relative paths in the file refer to.
	Name, Dir string
	Content   []byte
	// Copies maps the paths of the files that this one names to the places they are read from instead.
	Copies map[string]string
}

// Config is a checked heartbeats.yml, or that and the heartbeats of the page.
type Config struct {
	// Heartbeats are sorted by name.
	Heartbeats []*Heartbeat

	// source is the name of the file, without its folder.
	source  string
	byToken map[tokenHash]*Heartbeat
	byName  map[string]*Heartbeat
	files   []string
}

func (c *Config) add(h *Heartbeat, token tokenHash) {
	c.byName[h.Name], c.byToken[token] = h, h
	c.Heartbeats = append(c.Heartbeats, h)
}

func (c *Config) sort() {
	slices.SortFunc(c.Heartbeats, func(a, b *Heartbeat) int { return strings.Compare(a.Name, b.Name) })
}

// Files returns the files that heartbeats.yml names.
func (c *Config) Files() []string { return c.files }

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
	// added is how it was defined on the page; nil if it is in the file.
	added *Definition
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
	r := &reader{source: s, config: &Config{
		source: filepath.Base(s.Name), byToken: map[tokenHash]*Heartbeat{}, byName: map[string]*Heartbeat{},
	}}
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
	r.config.sort()
	return r.config, nil
}

// reader collects the heartbeats and the problems of a file.
type reader struct {
	source   Source
	config   *Config
	problems []error
}

// wrong adds a problem. One of the page has no line, and no field if it concerns the whole heartbeat.
func (r *reader) wrong(at *yaml.Node, field, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if field != "" {
		err = fmt.Errorf("%s: %w", field, err)
	}
	if at.Line > 0 {
		err = fmt.Errorf("%s:%d: %w", r.source.Name, at.Line, err)
	}
	r.problems = append(r.problems, err)
}

// within returns the name of a field, for messages.
func within(where, field string) string { return strings.TrimPrefix(where+"."+field, ".") }

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
				r.wrong(key, within(where, key.Value), "is there twice")
				continue
			}
			seen[key.Value] = true
			if !yield(key, resolved(n.Content[i+1])) {
				return
			}
		}
	}
}

// choices are fields of which a heartbeat must have exactly one.
var (
	tokenChoice    = [2]string{"token", "token_file"}
	scheduleChoice = [2]string{"every", "cron"}
)

// heartbeat reads one item of the list.
func (r *reader) heartbeat(n *yaml.Node, where string) {
	before := len(r.problems)
	h, token, at := r.entry(n, where, tokenChoice, scheduleChoice)
	if len(r.problems) > before {
		return
	}
	if r.config.byName[h.Name] != nil {
		r.wrong(at["name"], where+".name", "%q is there twice", h.Name)
	}
	if other, taken := r.config.byToken[hashOf(token)]; taken {
		r.wrong(n, where, "has the token of %q", other.Name)
	}
	r.config.add(h, hashOf(token))
}

// entry reads the fields of a heartbeat. It returns the values by their fields, too.
func (r *reader) entry(n *yaml.Node, where string, choices ...[2]string) (h *Heartbeat, token string, at map[string]*yaml.Node) {
	h = &Heartbeat{Grace: defaultGrace, Timezone: "UTC"}
	at = map[string]*yaml.Node{}
	for key, value := range r.fields(n, where) {
		field := within(where, key.Value)
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
	if n.Kind == yaml.MappingNode {
		r.require(n, where, at, choices)
		r.cron(h, where, at)
	}
	return h, token, at
}

// require checks which fields are there.
func (r *reader) require(n *yaml.Node, where string, at map[string]*yaml.Node, choices [][2]string) {
	if at["name"] == nil {
		r.wrong(n, where, "name is missing")
	}
	for _, choice := range choices {
		switch one, other := at[choice[0]], at[choice[1]]; {
		case one == nil && other == nil:
			r.wrong(n, where, "%s or %s is missing", choice[0], choice[1])
		case one != nil && other != nil:
			r.wrong(n, where, "%s and %s exclude each other", choice[0], choice[1])
		}
	}
	if at["timezone"] != nil && at["cron"] == nil {
		r.wrong(at["timezone"], within(where, "timezone"), "is only used together with cron")
	}
}

func (r *reader) cron(h *Heartbeat, where string, at map[string]*yaml.Node) {
	if at["cron"] == nil || h.Cron == "" {
		h.Timezone = ""
		if at["cron"] != nil {
			r.wrong(at["cron"], within(where, "cron"), "must not be empty")
		}
		return
	}
	zone, err := time.LoadLocation(h.Timezone)
	if err != nil || h.Timezone == "" || h.Timezone == "Local" {
		r.wrong(at["timezone"], within(where, "timezone"), "%q is not the name of a time zone such as Europe/Berlin", h.Timezone)
		return
	}
	schedule, err := parseCron(h.Cron, zone)
	r.check(at["cron"], within(where, "cron"), err)
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
