package prober

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/problem"
)

// Probe is an entry of probes.yml: a target, how often it is probed, and what is expected of it.
type Probe struct {
	// Name identifies the probe; it is the value of its label "probe".
	Name string `yaml:"name" json:"name"`
	// URL is the target. Its scheme selects the protocol: http, https, tcp, tls, grpc, grpcs, dns or icmp.
	URL string `yaml:"url" json:"url"`
	// Interval is 15 s if it is not set, and Timeout the smaller of 10 s and the interval.
	Interval model.Duration `yaml:"interval,omitempty" json:"interval,omitzero"`
	Timeout  model.Duration `yaml:"timeout,omitempty" json:"timeout,omitzero"`
	// Group is shown as a heading, and is the value of the label "group".
	Group string `yaml:"group,omitempty" json:"group,omitempty"`
	// DependsOn names probes whose failure explains a failure of this one.
	DependsOn oneOrMore `yaml:"depends_on,omitempty" json:"depends_on,omitempty"`
	// Module names a module of blackbox.yml that is used as it is. It excludes Expect's fields about the response.
	Module string            `yaml:"module,omitempty" json:"module,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty" json:"labels,omitempty"`
	Expect Expect            `yaml:"expect,omitempty" json:"expect,omitzero"`
}

// Expect is what a probe requires of a response.
type Expect struct {
	// Status lists HTTP status codes, such as 204, or classes of them, such as 3xx. The default is 2xx.
	Status oneOrMore `yaml:"status,omitempty" json:"status,omitempty"`
	// Text is a regular expression that the body has to match, and NotText one that it must not match.
	Text    string `yaml:"text,omitempty" json:"text,omitempty"`
	NotText string `yaml:"not_text,omitempty" json:"not_text,omitempty"`
	// JSON has the required value for each path in a JSON body, such as checks.db.status or items[0].id.
	JSON map[string]any `yaml:"json,omitempty" json:"json,omitempty"`
	// Answer is a regular expression that an answer of a DNS server has to match.
	Answer string `yaml:"answer,omitempty" json:"answer,omitempty"`
	// MaxDuration is the time above which a probe counts as slow; it does not fail for that.
	MaxDuration model.Duration `yaml:"max_duration,omitempty" json:"max_duration,omitzero"`
	// CertificateDays is how long a certificate has to be valid still; it does not fail for that. The default is 21.
	CertificateDays float64 `yaml:"certificate_days,omitempty" json:"certificate_days,omitempty"`
	// DomainDays is how long the registration of the domain has to last still; it does not fail for that. If it is 0, the registry is
	// not asked.
	DomainDays float64 `yaml:"domain_days,omitempty" json:"domain_days,omitempty"`
}

// oneOrMore is a list that may be written as a single value.
type oneOrMore []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *oneOrMore) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*s = nil
		if n.Tag != "!!null" && n.Value != "" {
			*s = oneOrMore{n.Value}
		}
		return nil
	}
	var all []string
	if err := n.Decode(&all); err != nil {
		return err
	}
	*s = all
	return nil
}

const (
	defaultInterval = model.Duration(15 * time.Second)
	defaultTimeout  = model.Duration(10 * time.Second)
	minInterval     = model.Duration(time.Second)
)

// probeFile is the content of probes.yml.
type probeFile struct {
	Probes []Probe `yaml:"probes"`
}

// ParseProbes parses a probes.yml and returns all problems in it, each as "file:line: field: reason".
func ParseProbes(name string, content []byte) ([]Probe, []error) {
	file := problem.File{Name: name, Content: content}
	read := func(text string) ([]Probe, error) {
		f, err := decodeStrict[probeFile](text)
		if err != nil {
			return nil, err
		}
		return f.Probes, check(f.Probes)
	}
	probes, err := read(string(content))
	if err != nil {
		return nil, problem.Locate(file, err, func(text string) error {
			_, err := read(text)
			var unknown unknownDependency
			if errors.As(err, &unknown) { // it may be in another item
				return nil
			}
			return err
		})
	}
	return probes, nil
}

func decodeStrict[T any](text string) (t T, err error) {
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&t); err != nil && !emptyDocument(err) {
		return t, err
	}
	return t, nil
}

// unknownDependency is the error for a dependency without a probe of that name.
type unknownDependency struct{ probe, dependency string }

func (e unknownDependency) Error() string {
	return fmt.Sprintf("probe %q: depends_on: there is no probe %q", e.probe, e.dependency)
}

// check completes the probes and checks each one, and all of them together.
func check(probes []Probe) error {
	names := map[string]bool{}
	for i := range probes {
		p := &probes[i]
		if err := p.complete(); err != nil {
			return err
		}
		if names[p.Name] {
			return fmt.Errorf("the name %q is used twice", p.Name)
		}
		names[p.Name] = true
	}
	for _, p := range probes {
		for _, d := range p.DependsOn {
			if !names[d] {
				return unknownDependency{p.Name, d}
			}
		}
	}
	return nil
}

// complete sets defaults and checks everything that does not depend on other probes.
func (p *Probe) complete() error {
	if p.Name = strings.TrimSpace(p.Name); p.Name == "" {
		return errors.New("name is missing")
	}
	of := func(err error) error { return fmt.Errorf("probe %q: %w", p.Name, err) }
	if len(p.Name) > 200 {
		return of(errors.New("name is longer than 200 bytes"))
	}
	if p.Interval == 0 {
		p.Interval = defaultInterval
	}
	if p.Interval < minInterval {
		return of(fmt.Errorf("interval: %s is shorter than %s", p.Interval, minInterval))
	}
	if p.Timeout == 0 {
		p.Timeout = min(defaultTimeout, p.Interval)
	}
	if p.Timeout > p.Interval {
		return of(fmt.Errorf("timeout: %s is longer than the interval of %s", p.Timeout, p.Interval))
	}
	if slices.Contains(p.DependsOn, p.Name) {
		return of(errors.New("depends_on: it depends on itself"))
	}
	for name := range p.Labels {
		if !model.LabelName(name).IsValid() || strings.HasPrefix(name, "__") { //nolint:staticcheck // the scheme is set in promserver
			return of(fmt.Errorf("labels: %q is not a label name", name))
		}
		if slices.Contains(ownLabels, name) {
			return of(fmt.Errorf("labels: %q is set by Ausguck", name))
		}
	}
	if p.Expect.CertificateDays < 0 {
		return of(errors.New("expect: certificate_days: it is negative"))
	}
	if p.Expect.DomainDays < 0 {
		return of(errors.New("expect: domain_days: it is negative"))
	}
	t, err := p.target()
	if err != nil {
		return of(fmt.Errorf("url: %w", err))
	}
	if _, err := p.module(t); err != nil {
		return of(err)
	}
	return nil
}

// ownLabels are the labels of a probe's series that its entry cannot set.
var ownLabels = []string{"job", "instance", "probe", "group"}

// target is a URL in the form that the prober of its protocol expects.
type target struct {
	prober  string // of blackbox_exporter
	address string
	tls     bool
	query   url.Values
	path    string // without the leading slash
}

// schemes are the protocols of URL.
var schemes = []string{"http", "https", "tcp", "tls", "grpc", "grpcs", "dns", "icmp"}

func (p *Probe) target() (t target, err error) {
	if p.Module != "" { // any text that the module understands
		if p.URL == "" {
			return t, errors.New("it is missing")
		}
		return target{address: p.URL}, nil
	}
	u, err := url.Parse(strings.TrimSpace(p.URL))
	switch {
	case p.URL == "":
		return t, errors.New("it is missing")
	case err != nil:
		return t, err
	case !slices.Contains(schemes, u.Scheme):
		return t, fmt.Errorf("%q does not begin with one of %s", p.URL, strings.Join(schemes, "://, ")+"://")
	case u.Hostname() == "":
		return t, fmt.Errorf("%q names no host", p.URL)
	case u.User != nil:
		return t, errors.New("it contains a password, which would be shown in labels; use a module of blackbox.yml with basic_auth")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return t, fmt.Errorf("the port %q is not between 1 and 65535", port)
		}
	}
	t = target{prober: u.Scheme, address: u.Host, query: u.Query(), path: strings.TrimPrefix(u.Path, "/")}
	needsPort := func(standard string) error {
		if u.Port() != "" {
			return nil
		}
		if standard == "" {
			return fmt.Errorf("%q names no port", p.URL)
		}
		t.address = net.JoinHostPort(u.Hostname(), standard)
		return nil
	}
	switch u.Scheme {
	case "http", "https":
		t.prober, t.address = "http", u.String()
	case "tcp":
		err = needsPort("")
	case "tls":
		t.prober, t.tls = "tcp", true
		err = needsPort("443")
	case "grpc":
		err = needsPort("")
	case "grpcs":
		t.prober, t.tls = "grpc", true
		err = needsPort("443")
	case "dns":
		if t.path == "" {
			return t, fmt.Errorf("%q names no record; write dns://SERVER/NAME?type=A", p.URL)
		}
		err = needsPort("53")
	case "icmp":
		t.address = u.Hostname()
	}
	return t, err
}
