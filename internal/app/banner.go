package app

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/ausguck/ausguck/internal/versions"
)

// Banner prints where to open the UI, how to log in and what is monitored, for a person at the terminal. It never prints a
// password, because in a container or under systemd the output is collected like the log.
func (a *App) Banner(w io.Writer) {
	names := make([]string, 0, 3)
	for _, u := range versions.All() {
		names = append(names, u.Name+" "+u.Version)
	}
	var look string
	var also []string
	for i, addr := range a.http.Addresses() {
		if i == 0 {
			look = addr.URL() + a.prefix + "/"
			continue
		}
		also = append(also, addr.Addr+" ("+addr.Name+")")
	}
	if len(also) == 0 {
		also = append(also, "none besides the main address")
	}
	fmt.Fprintf(w, "Ausguck %s with %s\n", versions.Own(), strings.Join(names, ", "))
	fmt.Fprintf(w, "  Open      %s  (PromQL at %sapi/v1/query)\n", look, look)
	fmt.Fprintf(w, "  Log in    %s\n", a.loginLine())
	fmt.Fprintf(w, "  Ports     %s\n", strings.Join(also, ", "))
	fmt.Fprintf(w, "  Monitors  %s\n", a.watches())
	fmt.Fprintf(w, "  Stores    %s\n", a.options.Prometheus.storageLine(&a.options.Storage))
}

func (a *App) loginLine() string {
	admin := a.options.Auth.admin
	if s, _ := a.group.State(a.options.Auth.name()); s.Error != "" {
		return "not possible: " + downLine(s)
	}
	file, err := a.options.Auth.service.InitialPasswordFile(context.Background())
	if err != nil {
		a.options.Logger.Warn("Cannot check whether the first admin's password is still the generated one", "err", err)
	}
	switch {
	case file != "":
		return "as " + admin.Login + " with the password in " + file + " (`ausguck reset-password` generates a new one)"
	case admin.Password != "":
		return "as " + admin.Login + " with the password of " + admin.Source
	}
	return "with your password (`ausguck reset-password` generates a new one)"
}

func (a *App) watches() string {
	var what []string
	if a.options.NodeExporter.exporter != nil {
		what = append(what, "this host")
	}
	if a.options.CAdvisor.exporter != nil {
		what = append(what, "its containers")
	}
	if host := a.options.Docker.host; host != nil {
		what = append(what, "Docker at "+host.Endpoint())
	}
	cfg := a.options.Prometheus.server.Applied()
	jobs := make([]string, 0, len(cfg.ScrapeConfigs))
	for _, c := range cfg.ScrapeConfigs {
		jobs = append(jobs, c.JobName)
	}
	what = append(what, "the jobs of "+cfg.Source+" ("+strings.Join(jobs, ", ")+")")
	return strings.Join(what, ", ")
}
