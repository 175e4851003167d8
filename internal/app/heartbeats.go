package app

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/component/heartbeats"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// HeartbeatsPart records that cron jobs and backups run.
type HeartbeatsPart struct {
	configured[heartbeats.Config]
	Switch
	// File is --heartbeats.config.file; empty means heartbeats.yml in ConfigDir.
	File string

	server *heartbeats.Server
}

func (p *HeartbeatsPart) name() string                   { return "heartbeats" }
func (p *HeartbeatsPart) on() bool                       { return p.On }
func (p *HeartbeatsPart) component() lifecycle.Component { return p.server }

func (p *HeartbeatsPart) flags(a *kingpin.Application) {
	p.register(a, "heartbeats", "Take the pings of cron jobs and backups, at /hb/<token> of the main address, and report those that are missing.")
	a.Flag("heartbeats.config.file", "heartbeats.yml, if it is not in --config.dir.").PlaceHolder("<path>").StringVar(&p.File)
}

func (p *HeartbeatsPart) load(l *loading) {
	p.next = load(l, p.name(), l.file("heartbeats.yml", p.File), func(d document) (*heartbeats.Config, []error) {
		return heartbeats.LoadConfig(heartbeats.Source{Name: d.Name, Dir: d.Dir, Content: d.Content, Copies: d.copies})
	}, func(c *heartbeats.Config) (beside, warnings []string) { return c.Files(), nil })
}

func (p *HeartbeatsPart) build(a *App) error {
	o := heartbeats.Options{
		Logger: a.options.Logger.With("part", p.name()), Registerer: a.registry, DB: a.db,
		Tenant: a.options.LogCollector.tenant, Network: auth.Network,
	}
	if store := a.options.Loki.server; store != nil {
		o.Logs = a.up(&a.options.Loki, store.Handler())
	}
	p.server = heartbeats.New(o, p.next)
	p.runs = p.server
	return nil
}

func (p *HeartbeatsPart) says() (string, bool) {
	var says []string
	if missing := p.server.Missing(); len(missing) > 0 {
		says = append(says, fmt.Sprintf("missing: %s; see docs/heartbeats.md", strings.Join(missing, ", ")))
	}
	if unused := p.server.Unused(); len(unused) > 0 {
		says = append(says, fmt.Sprintf("added on the page and not used: %s; the page Targets, Heartbeats says why", strings.Join(unused, ", ")))
	}
	return strings.Join(says, "; "), false
}

func (p *HeartbeatsPart) routes(*App) []route {
	api := heartbeats.APIPath
	if p.server == nil {
		off := absent("heartbeats are not taken: they are switched off with --no-heartbeats")
		return []route{{heartbeats.Prefix, everybody, off}, {heartbeats.OtherPrefix, everybody, off}, {"GET " + api, viewer, off}}
	}
	take, list := p.server.Handler(), p.server.API()
	return []route{
		{heartbeats.Prefix, everybody, take},
		{heartbeats.OtherPrefix, everybody, take},
		{"GET " + api, viewer, list},
		{"POST " + api, editor, list},
		{"PUT " + api, editor, list},
		{"DELETE " + api, editor, list},
		{"POST " + api + "/token", editor, list},
	}
}

// hideToken returns a path without the token of a heartbeat, for the access log.
func (a *App) hideToken(path string) string {
	if below, ok := strings.CutPrefix(path, a.prefix+"/"); ok && a.prefix != "" {
		return a.prefix + heartbeats.HideToken("/"+below)
	}
	return heartbeats.HideToken(path)
}
