package app

import (
	"html/template"
	"net/http"
	"os"
	"time"

	"github.com/alecthomas/units"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/web"
)

var statusPage = template.Must(template.ParseFS(web.Files, "status.html"))

// statusView is what status.html shows; every value in it may be somebody else's input.
type statusView struct {
	Host, Version, Uptime, ConfigName, Storage string
	Parts                                      []partView
	Targets                                    []targetView
	Links                                      []linkView
}

type partView struct{ Name, Phase, Since, Says string }

type targetView struct {
	promserver.Target
	LastScrape string
}

type linkView struct{ Path, About string }

// serveStatus is the page at /status and at / of Prometheus's own port: what runs, what is watched, and where to go.
func (a *App) serveStatus(w http.ResponseWriter, _ *http.Request) {
	host, _ := os.Hostname()
	view := statusView{
		Host: host, Version: Version(), Uptime: time.Since(a.started).Round(time.Second).String(),
		ConfigName: a.parts.prom.Applied().Source,
		Storage:    a.storageLine(),
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
	for _, t := range a.parts.prom.Targets() {
		view.Targets = append(view.Targets, targetView{t, since(t.LastScrape)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if err := statusPage.Execute(w, view); err != nil {
		a.options.Logger.Debug("Status page not delivered", "err", err)
	}
}

func (a *App) partViews() []partView {
	var views []partView
	for _, s := range a.group.States() {
		v := partView{Name: s.Name, Phase: string(s.Phase), Since: since(s.Since), Says: s.Error}
		switch {
		case s.Name == "promserver" && s.Phase == lifecycle.Starting:
			v.Says = a.parts.prom.Starting()
		case s.Name == "alertmanager" && a.parts.alerting.Applied().SendsNowhere():
			v.Says = "no alert reaches anybody: no receiver that a route names has an integration; see docs/alerting.md"
		case s.Name == "dockerhost":
			v.Says = a.dockerLine()
		case s.Name == "storage":
			v.Says = a.diskLine()
		}
		views = append(views, v)
	}
	return views
}

func (a *App) diskLine() string {
	if err := a.parts.disk.Full(); err != nil {
		return err.Error()
	}
	if _, _, scarce := a.parts.disk.Space(); scarce {
		return "the disk is nearly full: soon nothing new can be stored"
	}
	return ""
}

func (a *App) dockerLine() string {
	st := a.parts.docker.Status()
	if st.Connected {
		return "connected to " + a.parts.docker.Endpoint()
	}
	if st.Remedy == "" {
		return st.Reason
	}
	return st.Reason + "; " + st.Remedy
}

func (a *App) storageLine() string {
	retention := a.parts.prom.Applied().StorageConfig.TSDBConfig.Retention
	line := "metrics in " + a.options.Prometheus.Dir
	if retention.Time > 0 {
		line += " for " + retention.Time.String()
	}
	if retention.Size > 0 {
		line += ", at most " + humanBytes(uint64(retention.Size))
	}
	if free, size, _ := a.parts.disk.Space(); size > 0 {
		line += "; the disk has " + humanBytes(free) + " of " + humanBytes(size) + " free"
	}
	return line
}

// humanBytes writes a size with one binary unit, such as 51.2GiB.
func humanBytes(n uint64) string { return units.Base2Bytes(n).Round(1).String() }

func since(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}
