package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/component/statuspage"
	"github.com/ausguck/ausguck/internal/component/statuspage/subscribers"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// StatusPagePart serves public pages with the state of services.
type StatusPagePart struct {
	configured[statuspage.Config]
	Switch
	// File is --status-pages.config.file; empty means status-pages.yml in ConfigDir.
	File string

	server *statuspage.Server
}

func (p *StatusPagePart) name() string                   { return "statuspage" }
func (p *StatusPagePart) on() bool                       { return p.On }
func (p *StatusPagePart) component() lifecycle.Component { return p.server }
func (p *StatusPagePart) needs() []string                { return []string{"promserver", "alertmanager"} }

func (p *StatusPagePart) flags(a *kingpin.Application) {
	p.register(a, "status-pages", "Serve the pages of status-pages.yml at /status-page/.")
	a.Flag("status-pages.config.file", "status-pages.yml, if it is not in --config.dir.").PlaceHolder("<path>").StringVar(&p.File)
}

func (p *StatusPagePart) load(l *loading) {
	var name string
	p.next = load(l, p.name(), l.file("status-pages.yml", p.File), func(d document) (*statuspage.Config, []error) {
		name = d.Name
		return statuspage.Load(statuspage.Source{Name: d.Name, Dir: d.Dir, Content: d.Content, Copies: d.copies}, l.o.Prometheus.checkExpr)
	}, func(c *statuspage.Config) (beside, warnings []string) { return c.Files(), warningsOf(name, l.o, c) })
}

// warningsOf says why the subscribers of pages in a file would get no mail, or one with links that lead nowhere.
func warningsOf(file string, o *Options, c *statuspage.Config) (warnings []string) {
	for _, page := range c.Pages {
		if page.Subscribers == nil {
			continue
		}
		about := fmt.Sprintf("%s: page %q: subscribers: ", file, page.Name)
		switch am := o.Alertmanager.next; {
		case !o.Alertmanager.On:
			warnings = append(warnings, about+"they get no mail with --no-alertmanager")
		case am != nil && !am.HasEmail(page.Subscribers.Receiver):
			warnings = append(warnings, about+fmt.Sprintf("they get no mail: alertmanager.yml has no receiver %q with email_configs", page.Subscribers.Receiver))
		}
		if o.Prometheus.ExternalURL == "" {
			warnings = append(warnings, about+"the links in mails lead to "+o.external.String()+"; set --web.external-url to the address at which visitors reach the page")
		}
	}
	return warnings
}

func (p *StatusPagePart) build(a *App) error {
	prometheus := a.up(&a.options.Prometheus, a.options.Prometheus.server.Handler())
	o := statuspage.Options{
		Logger: a.options.Logger.With("part", p.name()), DB: a.db, Base: a.options.external.String(), Root: a.prefix, Network: auth.Network,
		Query: statuspage.QueryOf(prometheus),
		StoredDays: func() int {
			kept := time.Duration(a.options.Prometheus.server.Applied().StorageConfig.TSDBConfig.Retention.Time)
			return min(int(kept/(24*time.Hour)), 90)
		},
	}
	o.Send = func(context.Context, string, subscribers.Mail) error {
		return errors.New("mails are sent by Alertmanager, which is switched off with --no-alertmanager")
	}
	if am := a.options.Alertmanager.server; am != nil {
		o.Send = func(ctx context.Context, receiver string, m subscribers.Mail) error {
			return am.SendMail(ctx, receiver, alertmanager.Mail(m))
		}
		o.Silence, o.Unsilence = statuspage.SilencesOf(am.Handler())
	}
	p.server = statuspage.New(o, p.next)
	p.runs = p.server
	return nil
}

func (p *StatusPagePart) routes(*App) []route {
	if p.server == nil {
		off := absent("there are no status pages: they are switched off with --no-status-pages")
		return []route{{statuspage.Prefix, everybody, off}, {"GET /api/ausguck/status-pages", viewer, off}}
	}
	api := p.server.API(func(r *http.Request) string {
		if id, ok := auth.FromContext(r.Context()); ok {
			return id.Login
		}
		return "ausguck"
	})
	return []route{
		{statuspage.Prefix, everybody, p.server},
		{"GET /api/ausguck/status-pages", viewer, api},
		{"GET /api/ausguck/status-pages/", editor, api}, // personal data
		{"POST /api/ausguck/status-pages/", editor, api},
		{"DELETE /api/ausguck/status-pages/", editor, api},
	}
}
