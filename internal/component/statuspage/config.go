package statuspage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/problem"
)

// Config is the content of status-pages.yml.
type Config struct {
	Pages []*Page
	files []string
}

// Page is one status page.
type Page struct {
	// Name is its path below /status-page/.
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	// Public is set if everybody may see it. Other pages are not served.
	Public bool `yaml:"public"`
	// Language is one of those in words.go; the default is en.
	Language string `yaml:"language"`
	// Logo is an image beside the file: SVG, PNG, JPEG or WebP, of at most 256 KiB.
	Logo string `yaml:"logo"`
	// URL is where the title leads; empty if nowhere.
	URL string `yaml:"url"`
	// Subscribers lets visitors subscribe to mails; nil if they cannot.
	Subscribers *Subscribers `yaml:"subscribers"`
	Groups      []*Group     `yaml:"groups"`

	logo        []byte
	contentType string
}

// Subscribers configures mails about incidents and maintenance.
type Subscribers struct {
	// Receiver is a receiver of alertmanager.yml with an email_config.
	Receiver string `yaml:"receiver"`
}

// Group is a heading with components.
type Group struct {
	Name       string       `yaml:"name"`
	Components []*Component `yaml:"components"`
}

// Component is a service as its users know it. Exactly one of Probe, Heartbeat, Job and Expr is set.
type Component struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	// Probe and Heartbeat are the names of a probe and of a heartbeat, Job that of a scrape job.
	Probe     string `yaml:"probe"`
	Heartbeat string `yaml:"heartbeat"`
	Job       string `yaml:"job"`
	// Expr is PromQL with a single result: 1 if the component works, 0 if not, between if in part.
	Expr string `yaml:"expr"`
}

// Source is a status-pages.yml as read from disk.
type Source struct {
	// Name is the path shown in messages, and Dir the folder that logos are relative to.
	Name, Dir string
	Content   []byte
	// Copies maps the paths of logos to the places they are read from instead; nil if they are read from their own paths.
	Copies map[string]string
}

type file struct {
	Pages []*Page `yaml:"pages"`
}

// Load parses a status-pages.yml and returns all problems in it, each as "file:line: field: reason". checkExpr returns the error in
// a PromQL expression.
func Load(src Source, checkExpr func(string) error) (*Config, []error) {
	f := problem.File{Name: src.Name, Content: src.Content}
	read := func(text string) (*Config, error) {
		var c file
		d := yaml.NewDecoder(strings.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return &Config{Pages: c.Pages}, check(c.Pages, checkExpr)
	}
	cfg, err := read(string(src.Content))
	if err != nil {
		return nil, problem.Locate(f, err, func(text string) error {
			_, err := read(text)
			return err
		})
	}
	var problems []error
	for _, p := range cfg.Pages {
		if err := p.readLogo(src); err != nil {
			problems = append(problems, problem.At(f, p.Logo, fmt.Errorf("page %q: logo: %w", p.Name, err)))
		}
		if p.Logo != "" {
			cfg.files = append(cfg.files, filepath.Join(src.Dir, p.Logo))
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return cfg, nil
}

// Files returns the paths of the logos.
func (c *Config) Files() []string { return c.files }

// pageName is a name that needs no escaping in a URL.
var pageName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func check(pages []*Page, checkExpr func(string) error) error {
	seen := map[string]bool{}
	for _, p := range pages {
		if p == nil {
			return errors.New("a page is empty")
		}
		if err := p.check(checkExpr); err != nil {
			return fmt.Errorf("page %q: %w", p.Name, err)
		}
		if seen[p.Name] {
			return fmt.Errorf("the name %q is used twice", p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

func (p *Page) check(checkExpr func(string) error) error {
	if !pageName.MatchString(p.Name) {
		return errors.New("name: it is the last part of the URL: lowercase letters, digits and hyphens, at most 63")
	}
	if p.Title == "" {
		p.Title = p.Name
	}
	if p.Language == "" {
		p.Language = "en"
	}
	if _, known := languages[p.Language]; !known {
		return fmt.Errorf("language: %q is not one of %s", p.Language, strings.Join(languageNames(), ", "))
	}
	if p.URL != "" && !strings.HasPrefix(p.URL, "https://") && !strings.HasPrefix(p.URL, "http://") {
		return fmt.Errorf("url: %q does not begin with https:// or http://", p.URL)
	}
	if p.Subscribers != nil && p.Subscribers.Receiver == "" {
		return errors.New("subscribers: receiver: name a receiver of alertmanager.yml with email_configs")
	}
	seen := map[string]bool{}
	for _, g := range p.Groups {
		if g == nil {
			return errors.New("a group is empty")
		}
		for _, c := range g.Components {
			if c == nil || c.Name == "" {
				return fmt.Errorf("group %q: a component has no name", g.Name)
			}
			if seen[c.Name] {
				return fmt.Errorf("the component %q is there twice", c.Name)
			}
			seen[c.Name] = true
			if err := c.check(checkExpr); err != nil {
				return fmt.Errorf("component %q: %w", c.Name, err)
			}
		}
	}
	if len(seen) == 0 {
		return errors.New("groups: there is no component")
	}
	return nil
}

func (c *Component) check(checkExpr func(string) error) error {
	set := 0
	for _, s := range []string{c.Probe, c.Heartbeat, c.Job, c.Expr} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		return errors.New("set exactly one of probe, heartbeat, job and expr")
	}
	if c.Expr != "" {
		if err := checkExpr(c.Expr); err != nil {
			return fmt.Errorf("expr: %w", err)
		}
	}
	return nil
}

const maxLogo = 256 << 10

var logoTypes = map[string]string{".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}

func (p *Page) readLogo(src Source) error {
	if p.Logo == "" {
		return nil
	}
	if !filepath.IsLocal(p.Logo) {
		return errors.New("it is not in the folder of the file")
	}
	if p.contentType = logoTypes[strings.ToLower(filepath.Ext(p.Logo))]; p.contentType == "" {
		return errors.New("it is not an SVG, PNG, JPEG or WebP file")
	}
	path := filepath.Join(src.Dir, p.Logo)
	if copied, ok := src.Copies[path]; ok {
		path = copied
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(content) > maxLogo {
		return fmt.Errorf("it is larger than %d KiB", maxLogo>>10)
	}
	p.logo = content
	return nil
}

// components returns all components of the page, in order.
func (p *Page) components() (all []*Component) {
	for _, g := range p.Groups {
		all = append(all, g.Components...)
	}
	return all
}

// component returns the component with a name, nil if there is none.
func (p *Page) component(name string) *Component {
	all := p.components()
	if i := slices.IndexFunc(all, func(c *Component) bool { return c.Name == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// query returns the PromQL whose value is 1 if the component works, 0 if not, and between if in part.
func (c *Component) query() string {
	switch {
	case c.Probe != "":
		// One failed try of several is not an outage; probes that are rarer have only the last one.
		s := fmt.Sprintf("probe_success{probe=%q}", c.Probe)
		return fmt.Sprintf("avg(max_over_time(%s[40s]) or %s)", s, s)
	case c.Heartbeat != "":
		of := fmt.Sprintf("{heartbeat=%q}", c.Heartbeat)
		return fmt.Sprintf("min(ausguck_heartbeat_up%s) * (1 - max(ausguck_heartbeat_failed%s))", of, of)
	case c.Job != "":
		return fmt.Sprintf("avg(max_over_time(up{job=%q}[40s]) or up{job=%q})", c.Job, c.Job)
	}
	return c.Expr
}

// historyQuery returns the PromQL for the average over a duration, such as 1d.
func (c *Component) historyQuery(span string) string {
	switch {
	case c.Probe != "":
		return fmt.Sprintf("avg(avg_over_time(probe_success{probe=%q}[%s]))", c.Probe, span)
	case c.Job != "":
		return fmt.Sprintf("avg(avg_over_time(up{job=%q}[%s]))", c.Job, span)
	}
	return fmt.Sprintf("avg_over_time((%s)[%s:1m])", c.query(), span)
}
