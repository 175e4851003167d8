package source

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// The data source types that can be queried. Others are listed but cannot be queried.
const (
	typePrometheus   = "prometheus"
	typeLoki         = "loki"
	typeAlertmanager = "alertmanager"
)

// Datasource is a server that dashboards query. Secrets never leave the process.
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

	// provisioned data sources can only be changed in their files.
	provisioned bool
	where       string // "file:line" if provisioned
	// toldDefault is true if the file explicitly makes it the default, rather than because there is no other.
	toldDefault bool
}

// complete fills in optional fields and returns validation errors.
func (d *Datasource) complete() []error {
	var problems []error
	if d.Name == "" {
		problems = append(problems, errors.New("name: required"))
	}
	if d.Type == "" {
		problems = append(problems, errors.New("type: required, for example prometheus or loki"))
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
		problems = append(problems, fmt.Errorf("uid: %q may contain letters, digits, - and _, at most 40 characters", d.UID))
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

// hasScheme detects whether a URL has a scheme; Grafana adds one if it is missing.
var hasScheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("url: required, for example http://prometheus:9090")
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("url: must be http://host:port or https://host:port, not %q", redactURL(raw))
	case u.User != nil:
		return errors.New("url: must not contain a user and password; use basicAuth, basicAuthUser and secureJsonData.basicAuthPassword")
	}
	return nil
}

// redactURL removes a password from a URL.
func redactURL(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Redacted()
	}
	if _, after, ok := strings.Cut(raw, "@"); ok {
		return "…@" + after
	}
	return raw
}

// queryable reports whether the proxy and the query API support the type.
func (d *Datasource) queryable() bool {
	return d.Type == typePrometheus || d.Type == typeLoki || d.Type == typeAlertmanager
}
