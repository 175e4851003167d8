package prober

import (
	"html/template"
	"net/http"
	"strconv"

	"github.com/prometheus/blackbox_exporter/config"
	upstream "github.com/prometheus/blackbox_exporter/prober"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/redact"
)

var index = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Blackbox Exporter</title></head>
<body>
<h1>Blackbox Exporter</h1>
<p><a href="metrics">Metrics</a></p>
<p><a href="config">Configuration</a></p>
<h2>Recent probes</h2>
<table border="1"><tr><th>Module</th><th>Target</th><th>Result</th><th>Debug</th></tr>
{{range .}}<tr><td>{{.ModuleName}}</td><td>{{.Target}}</td><td>{{if .Success}}Success{{else}}<strong>Failure</strong>{{end}}</td><td><a href="logs?id={{.Id}}">Logs</a></td></tr>
{{end}}</table>
</body></html>
`))

// Index serves the start page of blackbox_exporter, with the recent probes.
func (p *Prober) Index(w http.ResponseWriter, _ *http.Request) {
	results := p.history.List()
	newest := make([]*upstream.Result, len(results))
	for i, r := range results {
		newest[len(results)-1-i] = r
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = index.Execute(w, newest) // the client is gone
}

// Logs serves the log of a recent probe: that of the parameter "id", or the last one of "target" and, optionally, "module".
func (p *Prober) Logs(w http.ResponseWriter, r *http.Request) {
	id, target, module := r.URL.Query().Get("id"), r.URL.Query().Get("target"), r.URL.Query().Get("module")
	var result *upstream.Result
	switch number, err := strconv.ParseInt(id, 10, 64); {
	case id != "" && target != "":
		http.Error(w, "Probe id and target can't be defined at the same time", http.StatusBadRequest)
		return
	case target != "":
		result = p.last(target, module)
	case err != nil:
		http.Error(w, "Probe id or target must be defined as http query parameters", http.StatusBadRequest)
		return
	default:
		result = p.history.GetById(number)
	}
	if result == nil {
		http.Error(w, "Probe id or target not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := result.DebugOutput
	if m, ok := p.state.Load().modules[result.ModuleName]; ok {
		text = withModule(text, &m)
	}
	_, _ = w.Write([]byte(text)) // the client is gone
}

// debugOutput returns the log and the metrics of a probe in the format of upstream's debug output.
func debugOutput(log, metrics string) string {
	return "Logs for the probe:\n" + log + "\n\n\nMetrics that would have been returned:\n" + metrics
}

// withModule returns a debug output with its last part, the configuration of the module, without secrets.
func withModule(debug string, m *config.Module) string {
	const heading = "\n\n\nModule configuration:\n"
	text, err := yaml.Marshal(m)
	if err != nil {
		return debug + heading + "Error marshalling config: " + err.Error() + "\n"
	}
	return debug + heading + redactModule(string(text))
}

// last returns the last result of a target; upstream's own function returns the first.
func (p *Prober) last(target, module string) (found *upstream.Result) {
	for _, r := range p.history.List() {
		if r.Target == target && (module == "" || r.ModuleName == module) && (found == nil || r.Id > found.Id) {
			found = r
		}
	}
	return found
}

// ServeConfig serves the modules as YAML, without secrets.
func (p *Prober) ServeConfig(w http.ResponseWriter, _ *http.Request) {
	text, err := yaml.Marshal(config.Config{Modules: p.state.Load().modules})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(redactModule(string(text)))) // the client is gone
}

// redactModule hides the values of headers and bodies, and of everything whose key says that it is a secret.
func redactModule(text string) string {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return redact.YAML([]byte(text))
	}
	hide(&doc, false)
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return redact.YAML([]byte(text))
	}
	return redact.YAML(out)
}

// hide replaces all scalars below keys that hold what is sent to a target.
func hide(n *yaml.Node, hidden bool) {
	if n.Kind == yaml.ScalarNode && hidden && n.Value != "" {
		n.SetString(redact.Secret)
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode {
			if i%2 == 1 {
				key := n.Content[i-1].Value
				hide(c, hidden || key == "headers" || key == "body" || key == "send" || key == "http_headers")
			}
			continue
		}
		hide(c, hidden)
	}
}
