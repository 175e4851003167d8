package alertmanager

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/template"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/problem"
)

// locate turns the error of config.Load into all problems of the file. References are checked first: upstream names
// only the first undefined one.
func locate(src Source, whole error) []error {
	problems := danglingReferences(src)
	found := problem.Locate(src.file(), whole, func(content string) error {
		_, err := config.Load(complete(content))
		return err
	}, "global")
	if len(problems) > 0 { // the error of the whole file may then repeat one of them with less detail
		found = slices.DeleteFunc(found, func(err error) bool {
			return strings.HasSuffix(err.Error(), whole.Error()) && dangling.MatchString(whole.Error())
		})
	}
	matchers, texts := badMatchers(src)
	found = slices.DeleteFunc(found, func(err error) bool { // the same problem, at the line of the section
		return slices.ContainsFunc(texts, func(text string) bool { return strings.HasSuffix(err.Error(), text) })
	})
	return slices.Concat(problems, matchers, found)
}

// badMatchers returns every matcher that cannot be parsed, and upstream's error for each: upstream stops at the first
// and does not say which it is.
func badMatchers(src Source) (problems []error, texts []string) {
	d, ok := read(src.Content)
	if !ok {
		return nil, nil
	}
	try := func(section string, nodes []yaml.Node) {
		for _, n := range nodes {
			if _, err := compat.Matchers(n.Value, "config"); err != nil {
				problems = append(problems, fmt.Errorf("%s:%d: %s: matcher %s: %w", src.Name, n.Line, section, n.Value, err))
				texts = append(texts, err.Error())
			}
		}
	}
	d.Route.walk(func(r *routeNode) { try("route", r.Matchers) })
	for _, r := range d.InhibitRules {
		try("inhibit_rules", slices.Concat(r.Source, r.Target))
	}
	return problems, texts
}

// dangling matches upstream's errors about references, which danglingReferences reports instead.
var dangling = regexp.MustCompile(`^undefined (receiver|(?:mute )?time interval) `)

// document is the part of an alertmanager.yml that can be read even if something else in it is invalid.
type document struct {
	Route             *routeNode `yaml:"route"`
	Receivers         []named    `yaml:"receivers"`
	MuteTimeIntervals []named    `yaml:"mute_time_intervals"`
	TimeIntervals     []named    `yaml:"time_intervals"`
	InhibitRules      []struct {
		Source []yaml.Node `yaml:"source_matchers"`
		Target []yaml.Node `yaml:"target_matchers"`
	} `yaml:"inhibit_rules"`
}

type named struct {
	Name string `yaml:"name"`
}

type routeNode struct {
	Receiver yaml.Node    `yaml:"receiver"`
	Matchers []yaml.Node  `yaml:"matchers"`
	Mute     []yaml.Node  `yaml:"mute_time_intervals"`
	Active   []yaml.Node  `yaml:"active_time_intervals"`
	Routes   []*routeNode `yaml:"routes"`
}

func (r *routeNode) walk(visit func(*routeNode)) {
	if r == nil {
		return
	}
	visit(r)
	for _, child := range r.Routes {
		child.walk(visit)
	}
}

func read(content []byte) (document, bool) {
	var d document
	return d, yaml.Unmarshal(content, &d) == nil
}

// danglingReferences returns every receiver and time interval that a route names but the file does not define.
func danglingReferences(src Source) []error {
	d, ok := read(src.Content)
	if !ok {
		return nil
	}
	has := func(all []named, name string) bool {
		return slices.ContainsFunc(all, func(n named) bool { return n.Name == name })
	}
	intervals := slices.Concat(d.MuteTimeIntervals, d.TimeIntervals)
	var problems []error
	d.Route.walk(func(r *routeNode) {
		if name := r.Receiver.Value; name != "" && !has(d.Receivers, name) {
			problems = append(problems, fmt.Errorf("%s:%d: route: receiver %q is not defined under receivers", src.Name, r.Receiver.Line, name))
		}
		for _, n := range slices.Concat(r.Mute, r.Active) {
			if !has(intervals, n.Value) {
				problems = append(problems, fmt.Errorf("%s:%d: route: time interval %q is not defined under time_intervals", src.Name, n.Line, n.Value))
			}
		}
	})
	return problems
}

// complete adds to a part of a file what config.Load requires of a complete one: a route, and what its route names.
func complete(content string) string {
	d, ok := read([]byte(content))
	if !ok {
		return content
	}
	if d.Route == nil {
		name := "trial"
		if len(d.Receivers) > 0 && d.Receivers[0].Name != "" {
			name = d.Receivers[0].Name
		}
		content += fmt.Sprintf("\nroute: {receiver: %q}", name)
		if len(d.Receivers) == 0 {
			content += fmt.Sprintf("\nreceivers: [{name: %q}]", name)
		}
		return content
	}
	receivers, intervals := map[string]bool{}, map[string]bool{}
	d.Route.walk(func(r *routeNode) {
		receivers[r.Receiver.Value] = true
		for _, n := range slices.Concat(r.Mute, r.Active) {
			intervals[n.Value] = true
		}
	})
	list := func(key string, names map[string]bool) string {
		var items []string
		for name := range names {
			if name != "" {
				items = append(items, fmt.Sprintf("{name: %q}", name))
			}
		}
		return "\n" + key + ": [" + strings.Join(items, ", ") + "]"
	}
	if d.Receivers == nil {
		content += list("receivers", receivers)
	}
	if d.TimeIntervals == nil && d.MuteTimeIntervals == nil {
		content += list("time_intervals", intervals)
	}
	return content
}

// field is a string value in a configuration.
type field struct {
	// path is its location, such as "receivers: team-a: slack_configs[0]: api_url_file".
	path, key string
	value     reflect.Value
	secret    bool
	// client is set in HTTP client settings, in which upstream makes paths relative to the folder of the file.
	client bool
}

func (f field) text() string { return f.value.String() }

func (f field) isFile() bool {
	return f.text() != "" && !f.secret && (strings.HasSuffix(f.key, "_file") || f.client && slices.Contains(certificates, f.key))
}

// certificates are the keys for files with certificates and their private keys.
var certificates = []string{"ca_file", "cert_file", "key_file"}

// walk visits every string in global and in the receivers.
func walk(cfg *config.Config, visit func(field)) {
	visitValue("global", "", reflect.ValueOf(cfg.Global), false, visit)
	for i := range cfg.Receivers {
		r := &cfg.Receivers[i]
		visitValue("receivers: "+r.Name, "", reflect.ValueOf(r).Elem(), false, visit)
	}
}

var (
	secretTypes = []reflect.Type{reflect.TypeFor[commonconfig.Secret]()}
	clientType  = reflect.TypeFor[commonconfig.HTTPClientConfig]()
	tlsType     = reflect.TypeFor[commonconfig.TLSConfig]()
)

func visitValue(path, key string, v reflect.Value, client bool, visit func(field)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			visitValue(path, key, v.Elem(), client, visit)
		}
	case reflect.Struct:
		client = client || v.Type() == clientType || v.Type() == tlsType
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case name == "-":
			case strings.Contains(options, "inline"):
				visitValue(path, key, v.Field(i), client, visit)
			default:
				visitValue(path+": "+name, name, v.Field(i), client, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			visitValue(fmt.Sprintf("%s[%d]", path, i), key, v.Index(i), client, visit)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if k.Kind() == reflect.String && v.MapIndex(k).Kind() == reflect.String { // a copy: values in a map cannot be set
				text := reflect.New(reflect.TypeFor[string]()).Elem()
				text.SetString(v.MapIndex(k).String())
				visit(field{path: path + ": " + k.String(), key: k.String(), value: text, secret: slices.Contains(secretTypes, v.MapIndex(k).Type()), client: client})
			}
		}
	case reflect.String:
		visit(field{path: path, key: key, value: v, secret: slices.Contains(secretTypes, v.Type()), client: client})
	}
}

// checkFiles reports unreadable files. A certificate is a problem, because upstream cannot create the client. A secret
// is a warning: upstream reads it for each notification, so its receiver fails until the file exists, and the others
// work. A template pattern that matches no file is a warning, too.
func checkFiles(src Source, cfg *config.Config) (problems []error, unreadable, warnings []string) {
	for _, pattern := range cfg.Templates {
		if found, err := filepath.Glob(pattern); err == nil && len(found) == 0 && src.Copies == nil && !src.BuiltIn {
			warnings = append(warnings, fmt.Sprintf("%s: templates: no file matches %s", src.Name, pattern))
		}
	}
	seen := map[string]bool{}
	walk(cfg, func(f field) {
		if !f.isFile() || seen[f.text()] {
			return
		}
		seen[f.text()] = true // receivers inherit the files from global
		err := problem.Readable(f.text())
		if err == nil {
			return
		}
		err = problem.At(src.file(), filepath.Base(f.text()), fmt.Errorf("%s: %w", f.path, err))
		if slices.Contains(certificates, f.key) {
			problems, unreadable = append(problems, err), append(unreadable, f.text())
			return
		}
		warnings = append(warnings, err.Error()+"; its notifications fail until the file exists")
	})
	return problems, unreadable, warnings
}

// tryTemplates runs every template of the receivers on an alert and returns a warning for each that fails. It is only a
// warning, because real alerts may have labels that the sample lacks, and stock Alertmanager starts with such a file.
// Values of secrets are not repeated.
func tryTemplates(src Source, cfg *config.Config, tmpl *template.Template) (warnings []string) {
	data := tmpl.Data("trial", model.LabelSet{"alertname": "Trial"}, "first notification", sampleAlert("trial", time.Now()))
	walk(cfg, func(f field) {
		if !strings.Contains(f.text(), "{{") || f.isNoTemplate() {
			return
		}
		_, err := tmpl.ExecuteTextString(f.text(), data)
		if err == nil {
			return
		}
		line := "template"
		if !f.secret {
			line = firstLine(f.text())
		}
		warning := problem.At(src.file(), line, fmt.Errorf("%s: the template fails for a test alert: %w", f.path, err)).Error()
		if !slices.Contains(warnings, warning) {
			warnings = append(warnings, warning)
		}
	})
	return warnings
}

// isNoTemplate reports whether upstream uses the text literally: credentials and HTTP client settings may contain "{{".
func (f field) isNoTemplate() bool {
	return f.client || f.isFile() || strings.Contains(f.key, "password") || strings.HasPrefix(f.key, "smtp_auth_") || strings.HasPrefix(f.key, "auth_")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// sampleAlert is the alert for tests: firing, clearly marked, with the labels that messages usually show.
func sampleAlert(instance string, now time.Time) *alert.Alert {
	return &alert.Alert{
		Alert: model.Alert{
			Labels: model.LabelSet{
				"alertname": "AusguckTest", "severity": "info", "instance": model.LabelValue(instance), "job": "ausguck",
			},
			Annotations: model.LabelSet{
				"summary":     "This is a test from Ausguck",
				"description": "Somebody asked for a test notification. Nothing is wrong.",
			},
			StartsAt: now.Add(-time.Minute),
			EndsAt:   now.Add(4 * time.Minute),
		},
		UpdatedAt: now,
	}
}
