package source

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/component/dashboards/provision"
)

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

// Config holds the settings from provisioning/datasources.
type Config struct {
	sources list
	// deleted are the names of data sources created through the API that provisioning deletes.
	deleted []string
}

// Load reads the files and returns all problems, each as "file:line: field: reason".
func Load(files *provision.Files) (*Config, []error) {
	l := &loading{files: files}
	problems := files.Each("datasources", l.file)
	if len(problems) > 0 {
		return nil, problems
	}
	return &Config{withDefaults(l.sources), l.deleted}, nil
}

// Resolve fills inputs of exported dashboards with the default data source of their type.
func (c *Config) Resolve(in dashjson.Input) (string, bool) { return c.sources.resolve(in) }

// loading is the result of the files read so far. If several files use the same name, the last one wins, as in Grafana,
// which reads them one after the other.
type loading struct {
	files     *provision.Files
	sources   list
	deleted   []string
	isDefault string // where the default is defined
}

func (l *loading) file(file string, root *yaml.Node) []error {
	version, problems := provision.Version(file, root)
	snake := version == 0
	var f datasourceFile
	if errs := l.files.Decode(file, "", root, snake, &f); len(errs) > 0 {
		return append(problems, errs...)
	}
	for i := range f.Delete {
		var d deleteDatasource
		problems = append(problems, l.files.Decode(file, fmt.Sprintf("deleteDatasources[%d]", i), &f.Delete[i], snake, &d)...)
		l.deleted = append(l.deleted, d.Name)
		l.sources = slices.DeleteFunc(l.sources, func(s Datasource) bool { return s.Name == d.Name })
	}
	for i := range f.Sources {
		d := Datasource{provisioned: true, where: fmt.Sprintf("%s:%d", file, f.Sources[i].Line)}
		field := fmt.Sprintf("datasources[%d]", i)
		if errs := l.files.Decode(file, field, &f.Sources[i], snake, &d); len(errs) > 0 {
			problems = append(problems, errs...)
			continue
		}
		d.toldDefault = d.IsDefault
		if d.Access != "" && d.Access != "server" && d.Access != "proxy" && d.Access != "direct" {
			l.files.Warn("%s: %s: access: %q is treated as proxy, as in Grafana", d.where, field, d.Access)
		}
		if _, ok := d.JSONData["seriesLimit"]; ok && d.Type == typeLoki {
			l.files.Warn("%s: %s: jsonData: seriesLimit has no effect, because Loki has no such limit", d.where, field)
		}
		before := l.sources.byName(d.Name)
		if before != nil && d.UID == "" {
			d.UID = before.UID
		}
		for _, err := range d.complete() {
			problems = append(problems, fmt.Errorf("%s: %s: %w", d.where, field, err))
		}
		problems = append(problems, l.add(d, before)...)
	}
	return problems
}

// add replaces an earlier data source with the same name.
func (l *loading) add(d Datasource, before *Datasource) (problems []error) {
	if same := l.sources.byUID(d.UID); same != nil && same.Name != d.Name && d.UID != "" {
		problems = append(problems, fmt.Errorf("%s: uid: %q is already used in %s", d.where, d.UID, same.where))
	}
	if d.IsDefault {
		if l.isDefault != "" {
			problems = append(problems, fmt.Errorf("%s: isDefault: only one data source can be the default, and %s is already", d.where, l.isDefault))
		}
		l.isDefault = d.where
	}
	if before == nil || d.Name == "" {
		l.sources = append(l.sources, d)
		return problems
	}
	l.files.Warn("%s: %q replaces the data source of this name at %s", d.where, d.Name, before.where)
	*before = d
	return problems
}

// builtInUID is the UID of the built-in Prometheus. A provisioned data source that has it is the default unless a file states another one.
const builtInUID = "prometheus"

// builtInDatasources are the parts of this process, with the addresses they have as containers.
func builtInDatasources() list {
	all := list{
		{UID: builtInUID, Name: "Prometheus", Type: typePrometheus, URL: "http://prometheus:9090", IsDefault: true,
			JSONData: map[string]any{"httpMethod": "POST"}},
		{UID: "loki", Name: "Loki", Type: typeLoki, URL: "http://loki:3100"},
		{UID: "alertmanager", Name: "Alertmanager", Type: typeAlertmanager, URL: "http://alertmanager:9093",
			JSONData: map[string]any{"implementation": "prometheus"}},
	}
	for i := range all {
		all[i].provisioned = true
		all[i].complete() // known to be valid
	}
	return all
}

// withDefaults adds the built-in data source of each type that has none, so that dashboards always find a default of
// their type, and selects one overall default.
func withDefaults(all list) list {
	all = slices.Clone(all)
	for _, b := range builtInDatasources() {
		if !slices.ContainsFunc(all, func(d Datasource) bool { return d.Type == b.Type || d.UID == b.UID || d.Name == b.Name }) {
			b.IsDefault = b.IsDefault && !slices.ContainsFunc(all, func(d Datasource) bool { return d.IsDefault })
			all = append(all, b)
		}
	}
	if slices.ContainsFunc(all, func(d Datasource) bool { return d.IsDefault }) {
		return all
	}
	i := slices.IndexFunc(all, func(d Datasource) bool { return d.Type == typePrometheus && d.UID == builtInUID })
	if i < 0 {
		i = slices.IndexFunc(all, func(d Datasource) bool { return d.Type == typePrometheus })
	}
	if i >= 0 {
		all[i].IsDefault = true
	}
	return all
}
