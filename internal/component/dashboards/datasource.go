package dashboards

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/component/dashboards/provision"
	"github.com/ausguck/ausguck/internal/grafana"
)

// The datasource types that can be asked. Others are listed and refuse to be queried.
const (
	typePrometheus   = "prometheus"
	typeLoki         = "loki"
	typeAlertmanager = "alertmanager"
)

// Datasource is a server that dashboards ask. Secrets never leave the process.
type Datasource struct {
	ID              int64             `yaml:"-"`
	UID             string            `yaml:"uid"`
	Name            string            `yaml:"name"`
	Type            string            `yaml:"type"`
	OrgID           int64             `yaml:"orgId"`
	Access          string            `yaml:"access"`
	URL             string            `yaml:"url"`
	User            string            `yaml:"user"`
	Password        string            `yaml:"password"`
	Database        string            `yaml:"database"`
	BasicAuth       bool              `yaml:"basicAuth"`
	BasicAuthUser   string            `yaml:"basicAuthUser"`
	WithCredentials bool              `yaml:"withCredentials"`
	IsDefault       bool              `yaml:"isDefault"`
	JSONData        map[string]any    `yaml:"jsonData"`
	SecureJSONData  map[string]string `yaml:"secureJsonData"`
	Version         int64             `yaml:"version"`
	Editable        bool              `yaml:"editable"`
	Correlations    []any             `yaml:"correlations"`

	// provisioned sources can only be changed in their files.
	provisioned bool
	where       string // "file:line" of a provisioned one
	// toldDefault is whether its file says that it is the default, not only that there is no other.
	toldDefault bool
}

type datasourceFile struct {
	APIVersion int         `yaml:"apiVersion"`
	Prune      bool        `yaml:"prune"`
	Sources    []yaml.Node `yaml:"datasources"`
	Delete     []yaml.Node `yaml:"deleteDatasources"`
}

type deleteDatasource struct {
	Name  string `yaml:"name"`
	OrgID int64  `yaml:"orgId"`
}

// readDatasources reads one file of provisioning/datasources.
func (c *Config) readDatasources(file string, root *yaml.Node) []error {
	version, problems := provision.Version(file, root)
	snake := version == 0
	var f datasourceFile
	if errs := c.files.Decode(file, "", root, snake, &f); len(errs) > 0 {
		return append(problems, errs...)
	}
	for i := range f.Delete {
		var d deleteDatasource
		problems = append(problems, c.files.Decode(file, fmt.Sprintf("deleteDatasources[%d]", i), &f.Delete[i], snake, &d)...)
		c.deleted = append(c.deleted, d.Name)
	}
	for i := range f.Sources {
		ds := Datasource{provisioned: true, where: fmt.Sprintf("%s:%d", file, f.Sources[i].Line)}
		field := fmt.Sprintf("datasources[%d]", i)
		if errs := c.files.Decode(file, field, &f.Sources[i], snake, &ds); len(errs) > 0 {
			problems = append(problems, errs...)
			continue
		}
		ds.toldDefault = ds.IsDefault
		if ds.Access != "" && ds.Access != "server" && ds.Access != "proxy" && ds.Access != "direct" {
			c.files.Warn("%s: %s: access: %q is taken as proxy, as in Grafana", ds.where, field, ds.Access)
		}
		for _, err := range ds.complete() {
			problems = append(problems, fmt.Errorf("%s: %s: %w", ds.where, field, err))
		}
		c.datasources = append(c.datasources, ds)
	}
	return problems
}

// complete fills in what may be left out and returns what is wrong.
func (d *Datasource) complete() []error {
	var problems []error
	if d.Name == "" {
		problems = append(problems, errors.New("name: needed"))
	}
	if d.Type == "" {
		problems = append(problems, errors.New("type: needed, for example prometheus or loki"))
	}
	if d.Access != "direct" {
		d.Access = "proxy"
	}
	if d.URL != "" && d.queryable() && !hasScheme.MatchString(d.URL) {
		d.URL = "http://" + d.URL
	}
	d.OrgID = 1
	if d.UID == "" && d.Name != "" {
		d.UID = grafana.StableUID("datasource", d.Name)
	}
	if d.UID != "" && !grafana.LegalUID(d.UID) {
		problems = append(problems, fmt.Errorf("uid: %q may hold letters, digits, - and _, at most 40", d.UID))
	}
	if d.queryable() || d.URL != "" {
		if err := checkURL(d.URL); err != nil && d.queryable() {
			problems = append(problems, err)
		}
	}
	if d.Password != "" {
		if d.SecureJSONData == nil {
			d.SecureJSONData = map[string]string{}
		}
		d.SecureJSONData["password"] = cmp.Or(d.SecureJSONData["password"], d.Password)
		d.Password = ""
	}
	if d.JSONData == nil {
		d.JSONData = map[string]any{}
	}
	d.Version = max(d.Version, 1)
	d.ID = grafana.StableID("datasource", d.UID)
	return problems
}

// hasScheme finds the scheme that Grafana adds when it is missing.
var hasScheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("url: needed, for example http://prometheus:9090")
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("url: http://host:port or https://host:port is needed, not %q", redactURL(raw))
	case u.User != nil:
		return errors.New("url: no user and password here; use basicAuth, basicAuthUser and secureJsonData.basicAuthPassword")
	}
	return nil
}

// redactURL drops a password that stands in a URL.
func redactURL(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Redacted()
	}
	if _, after, ok := strings.Cut(raw, "@"); ok {
		return "…@" + after
	}
	return raw
}

// queryable reports whether the proxy and the query API know the type.
func (d *Datasource) queryable() bool {
	return d.Type == typePrometheus || d.Type == typeLoki || d.Type == typeAlertmanager
}

// checkDatasources reports names and uids that are there twice and more than one default.
func (c *Config) checkDatasources() []error {
	var problems []error
	names, uids := map[string]string{}, map[string]string{}
	isDefault := ""
	for _, d := range c.datasources {
		if first, ok := names[d.Name]; ok && d.Name != "" {
			problems = append(problems, fmt.Errorf("%s: name: %q is at %s already", d.where, d.Name, first))
		} else if first, ok := uids[d.UID]; ok && d.UID != "" {
			problems = append(problems, fmt.Errorf("%s: uid: %q is at %s already", d.where, d.UID, first))
		}
		names[d.Name], uids[d.UID] = d.where, d.where
		if d.IsDefault {
			if isDefault != "" {
				problems = append(problems, fmt.Errorf("%s: isDefault: only one datasource can be the default, %s is already", d.where, isDefault))
			}
			isDefault = d.where
		}
	}
	return problems
}

// builtInDatasources are the parts of this process under the addresses that they have as containers.
func builtInDatasources() []Datasource {
	all := []Datasource{
		{UID: "prometheus", Name: "Prometheus", Type: typePrometheus, URL: "http://prometheus:9090", IsDefault: true,
			JSONData: map[string]any{"httpMethod": "POST"}},
		{UID: "loki", Name: "Loki", Type: typeLoki, URL: "http://loki:3100"},
		{UID: "alertmanager", Name: "Alertmanager", Type: typeAlertmanager, URL: "http://alertmanager:9093",
			JSONData: map[string]any{"implementation": "prometheus"}},
	}
	for i := range all {
		all[i].provisioned = true
		all[i].complete() // they are right
	}
	return all
}

// withDefaults adds the built-in datasource of each type that has none, so that a dashboard always finds the
// default of its type, and makes one the default of all.
func withDefaults(all []Datasource) []Datasource {
	all = slices.Clone(all)
	for _, b := range builtInDatasources() {
		if !slices.ContainsFunc(all, func(d Datasource) bool { return d.Type == b.Type || d.UID == b.UID || d.Name == b.Name }) {
			b.IsDefault = b.IsDefault && !slices.ContainsFunc(all, func(d Datasource) bool { return d.IsDefault })
			all = append(all, b)
		}
	}
	if !slices.ContainsFunc(all, func(d Datasource) bool { return d.IsDefault }) {
		for i := range all {
			if all[i].Type == typePrometheus {
				all[i].IsDefault = true
				break
			}
		}
	}
	return all
}
