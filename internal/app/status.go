package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/page"
	"github.com/ausguck/ausguck/internal/redact"
	"github.com/ausguck/ausguck/internal/updates"
	"github.com/ausguck/ausguck/internal/versions"
)

// statusView is the data of status.html; any value in it may be untrusted input.
type statusView struct {
	Host, Version, Uptime, ConfigName, Storage string
	Parts                                      []partView
	Targets                                    []targetView
	Links                                      []linkView
}

type partView struct {
	Name, Phase, Since, Says string
	Wrong                    bool // requires action
}

type targetView struct {
	promserver.Target
	LastScrape string
}

type linkView struct{ Path, About string }

// serveOldStatus serves /status, the path of Prometheus's status page: it redirects browsers to the UI's page and serves text to
// other clients.
func (a *App) serveOldStatus(w http.ResponseWriter, r *http.Request) {
	if page.Built() && page.ForBrowser(r) {
		w.Header().Set("Vary", "Accept")
		http.Redirect(w, r, a.prefix+"/admin/status", http.StatusFound)
		return
	}
	a.serveStatus(w, r)
}

// serveStatus is a page without scripts, for a program without the UI and at / on Prometheus's own port: what runs, what is
// monitored, and links.
func (a *App) serveStatus(w http.ResponseWriter, _ *http.Request) {
	host, _ := os.Hostname()
	view := statusView{
		Host: host, Version: versions.Own(), Uptime: time.Since(a.started).Round(time.Second).String(),
		ConfigName: a.options.Prometheus.server.Applied().Source,
		Storage:    a.options.Prometheus.storageLine(&a.options.Storage),
		Parts:      a.partViews(),
		Links: []linkView{
			{"api/v1/query?query=up", "PromQL over the Prometheus API; Grafana takes this address as a Prometheus data source"},
			{"api/v1/targets", "every target with its labels before and after relabelling"},
			{"api/v1/rules", "rules and alerts"},
			{"metrics", "metrics of Ausguck and its Prometheus"},
			{"metrics/node", "metrics of this host"},
			{"metrics/cadvisor", "metrics of the containers"},
		},
	}
	for _, t := range a.options.Prometheus.server.Targets() {
		view.Targets = append(view.Targets, targetView{t, since(t.LastScrape)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if err := page.Status.Execute(w, view); err != nil {
		a.options.Logger.Debug("Status page not delivered", "err", err)
	}
}

func (a *App) partViews() []partView {
	var views []partView
	faults := *a.faults.Load()
	for p := range a.parts() {
		s, ok := a.group.State(p.name())
		if !ok {
			continue
		}
		v := partView{Name: s.Name, Phase: string(s.Phase), Since: since(s.Since), Says: s.Error, Wrong: s.Error != ""}
		if v.Says == "" {
			v.Says, v.Wrong = p.says()
		}
		if f, replaced := faultOf(faults, s.Name); replaced {
			v.Says, v.Wrong = strings.TrimSuffix(f.Error()+"; "+v.Says, "; "), true
		}
		views = append(views, v)
	}
	return views
}

// down returns why each failed part is down, and when it will be restarted.
func (a *App) down() (lines []string) {
	for _, s := range a.group.States() {
		if s.Error != "" && s.Phase != lifecycle.Ready {
			lines = append(lines, downLine(s))
		}
	}
	return lines
}

// replaced names the parts whose configuration does not load. It requires no credentials, so it does not repeat the content of
// files.
func (a *App) replaced() (lines []string) {
	for name, f := range *a.faults.Load() {
		lines = append(lines, "the configuration of "+name+" does not load, and it is running "+f.instead+"; the log and the status page say why")
	}
	slices.Sort(lines)
	return lines
}

func downLine(s lifecycle.State) string {
	line := s.Name + " is down: " + s.Error
	if wait := time.Until(s.Retry).Round(time.Second); wait > 0 {
		line += " (it is started again in " + wait.String() + ")"
	}
	return line
}

// waitingFor lists the parts that have neither started nor failed yet, each with what it waits for.
func (a *App) waitingFor() []string {
	waiting := []string{}
	for p := range a.parts() {
		s, ok := a.group.State(p.name())
		switch {
		case !ok || s.Phase == lifecycle.Ready || s.Phase == lifecycle.Down:
			continue
		case s.Error != "":
			waiting = append(waiting, downLine(s))
			continue
		}
		line := s.Name + " is " + string(s.Phase)
		if says, _ := p.says(); says != "" && s.Phase == lifecycle.Starting {
			line += ": " + says
		}
		waiting = append(waiting, line)
	}
	if len(waiting) == 0 {
		waiting = append(waiting, "stopping")
	}
	return waiting
}

func since(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

// statusAnswer is the response of /api/ausguck/status.
type statusAnswer struct {
	Host     string              `json:"host"`
	Version  string              `json:"version"`
	Revision string              `json:"revision"`
	Started  time.Time           `json:"started"`
	Embedded []versions.Embedded `json:"embedded"`
	Parts    []statusPart        `json:"parts"`
	Files    []statusFile        `json:"files"`
	Storage  []storageView       `json:"storage"`
	Disk     diskView            `json:"disk"`
	Clusters clusterView         `json:"clusters"`
	// Update is the result of the checks for a newer version; null if --update.url is not set.
	Update *updates.State `json:"update"`
	// Warnings are about the configuration, for admins only: some contain information useful to an attacker.
	Warnings []string `json:"warnings"`
	// QueryLog is the file of the query log; empty if it is disabled.
	QueryLog string `json:"queryLog"`
}

type statusPart struct {
	Name  string    `json:"name"`
	Phase string    `json:"phase"`
	Since time.Time `json:"since"`
	// Says is a message about the part's state; empty if all is well.
	Says string `json:"says,omitempty"`
	// Wrong is set if action is required.
	Wrong bool `json:"wrong,omitempty"`
}

type statusFile struct {
	Name   string `json:"name"`
	Source string `json:"source"`
}

// storageView is the disk usage of a part; a Limit of 0 means no limit.
type storageView struct {
	Name      string  `json:"name"`
	Bytes     float64 `json:"bytes"`
	Limit     float64 `json:"limit"`
	Retention string  `json:"retention,omitempty"`
}

type diskView struct {
	Free   uint64 `json:"free"`
	Size   uint64 `json:"size"`
	Scarce bool   `json:"scarce"`
	Full   string `json:"full,omitempty"`
}

func (a *App) serveStatusAPI(w http.ResponseWriter, r *http.Request) {
	host, _ := os.Hostname()
	applied := a.options.Prometheus.server.Applied()
	answer := statusAnswer{
		Host: host, Version: versions.Own(), Revision: versions.Revision(), Started: a.started, Embedded: versions.All(), Update: a.options.Updates.state(),
		Files: []statusFile{{"Prometheus", applied.Source}}, QueryLog: applied.GlobalConfig.QueryLogFile,
	}
	for _, v := range a.partViews() {
		s, _ := a.group.State(v.Name)
		answer.Parts = append(answer.Parts, statusPart{Name: v.Name, Phase: v.Phase, Since: s.Since, Says: v.Says, Wrong: v.Wrong})
	}
	answer.Warnings = []string{}
	if id, ok := auth.FromContext(r.Context()); ok && id.Role == auth.Admin {
		warned := *a.warned.Load()
		for _, part := range slices.Sorted(maps.Keys(warned)) {
			if part != "" {
				answer.Warnings = append(answer.Warnings, warned[part]...)
			}
		}
		answer.Warnings = append(answer.Warnings, warned[""]...) // last, because they matter less than files that are not read
	}
	families := a.families()
	gauges := gaugesOf(families)
	answer.Clusters = a.clusterView(r.Context(), families)
	retention := applied.StorageConfig.TSDBConfig.Retention
	metrics := storageView{Name: "metrics", Limit: float64(retention.Size), Bytes: gauges["prometheus_tsdb_storage_blocks_bytes"] + gauges["prometheus_tsdb_head_chunks_storage_size_bytes"] + gauges["prometheus_tsdb_wal_storage_size_bytes"]}
	if retention.Time > 0 {
		metrics.Retention = retention.Time.String()
	}
	answer.Storage = append(answer.Storage, metrics)
	if a.options.Loki.on() {
		answer.Storage = append(answer.Storage, storageView{Name: "logs", Bytes: gauges["ausguck_loki_storage_bytes"], Limit: gauges["ausguck_loki_storage_limit_bytes"], Retention: a.options.Loki.RetentionTime.String()})
	}
	answer.Disk.Free, answer.Disk.Size, answer.Disk.Scarce = a.options.Storage.disk.Space()
	if err := a.options.Storage.disk.Full(); err != nil {
		answer.Disk.Full = err.Error()
	}
	writeJSON(w, http.StatusOK, answer)
}

// families returns all metrics of this process.
func (a *App) families() []*dto.MetricFamily {
	families, err := a.gatherer.Gather()
	if err != nil { // Gather returns what it could gather despite the error
		a.options.Logger.Debug("Some metrics for the status page are unavailable", "err", err)
	}
	return families
}

// gaugesOf returns the values of gauges without labels, by name.
func gaugesOf(families []*dto.MetricFamily) map[string]float64 {
	values := map[string]float64{}
	for _, f := range families {
		if f.GetType() == dto.MetricType_GAUGE && len(f.GetMetric()) == 1 {
			values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return values
}

// serveReloadAPI reloads for the UI, which shows each problem as `check` prints it.
func (a *App) serveReloadAPI(w http.ResponseWriter, _ *http.Request) {
	problems := []string{}
	if err := a.Reload(); err != nil {
		var config *ConfigError
		if errors.As(err, &config) {
			for _, p := range config.Problems {
				problems = append(problems, p.Error())
			}
		} else {
			problems = append(problems, err.Error())
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"reloaded": len(problems) == 0, "problems": problems})
}

// queryLogTail is how many bytes at the end of the query log are read.
const queryLogTail = 256 << 10

// serveQueryLog responds with the latest entries of the query log, newest first.
func (a *App) serveQueryLog(w http.ResponseWriter, _ *http.Request) {
	entries := []json.RawMessage{}
	file := a.options.Prometheus.server.Applied().GlobalConfig.QueryLogFile
	if file != "" {
		var err error
		if entries, err = lastEntries(file); err != nil {
			writeJSON(w, http.StatusInternalServerError, map[string]string{"message": "read the query log: " + err.Error()})
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"file": file, "entries": entries})
}

// lastEntries reads the JSON lines at the end of a file, last first. It skips an incomplete line.
func lastEntries(file string) ([]json.RawMessage, error) {
	entries := []json.RawMessage{}
	f, err := os.Open(file)
	if err != nil {
		return entries, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return entries, err
	}
	if _, err := f.Seek(max(0, info.Size()-queryLogTail), io.SeekStart); err != nil {
		return entries, err
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, queryLogTail)
	for lines.Scan() {
		if line := lines.Bytes(); json.Valid(line) && len(line) > 0 && line[0] == '{' {
			entries = append([]json.RawMessage{append(json.RawMessage(nil), line...)}, entries...)
		}
	}
	return entries, lines.Err()
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // fails only if the client has disconnected
}

// serveConfiguration responds with the loaded configuration files for logs, without secrets. No standard API shows them.
func (a *App) serveConfiguration(w http.ResponseWriter, _ *http.Request) {
	files := map[string]string{}
	if p := &a.options.Loki; p.on() {
		files["loki.yml"] = redact.YAML(p.server.Applied().Text())
	}
	if p := &a.options.LogCollector; p.on() {
		files["promtail.yml"] = redact.YAML(p.collector.Applied().Text())
	}
	writeJSON(w, http.StatusOK, files)
}
