package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/alecthomas/units"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/people"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/migrate"
)

// Migration lists the data to import from the separate programs; an empty field imports nothing.
type Migration struct {
	// Prometheus, Loki and Alertmanager are their data folders, Grafana is its database file or its URL.
	Prometheus, Loki, Alertmanager, Grafana string
	// GrafanaToken has the credentials for that URL.
	GrafanaToken string
	// Write enables writing; without it, Migrate only reports what it would do.
	Write bool
}

// Migrate imports the data of the separate programs into --storage.path, and prints to out what it finds and does. It checks
// everything before it writes anything, and does not change the sources.
func Migrate(ctx context.Context, o app.Options, m Migration, out io.Writer) (err error) {
	if err := o.Complete(); err != nil {
		return err
	}
	folders, grafana, err := m.plan(ctx, o.StoragePath)
	if err != nil {
		return err
	}
	for _, f := range folders {
		fmt.Fprintf(out, "%-13s %s: %s, %s → %s\n", f.Program, f.Dir, f.Found, units.Base2Bytes(f.Bytes).Round(1), filepath.Join(o.StoragePath, f.To))
	}
	if grafana != nil {
		fmt.Fprintf(out, "%-13s %s: %s\n", "Grafana", m.Grafana, grafana.Summary())
		for _, note := range grafana.Notes {
			fmt.Fprintf(out, "              %s\n", note)
		}
	}
	if !m.Write {
		fmt.Fprintln(out, "Nothing was written; add --write to do it.")
		return nil
	}
	lock, err := datadir.Lock(o.StoragePath)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close(), giveToOwner(o.StoragePath)) }()
	for _, f := range folders {
		begun := time.Now()
		if err := f.Copy(o.StoragePath); err != nil {
			return fmt.Errorf("migrate %s: %w", f.Program, err)
		}
		fmt.Fprintf(out, "%s is taken over (%s).\n", f.Program, time.Since(begun).Round(time.Millisecond))
	}
	if grafana != nil {
		outcome, err := takeGrafana(ctx, o, grafana)
		if err != nil {
			return fmt.Errorf("migrate Grafana: %w", err)
		}
		fmt.Fprintf(out, "Grafana is taken over: %d dashboards in %d folders, %d data sources, %d annotations.\n",
			outcome.Dashboards, outcome.Folders, outcome.Datasources, outcome.Annotations)
		for _, left := range outcome.Left {
			fmt.Fprintf(out, "  left: %s\n", left)
		}
	}
	fmt.Fprintf(out, "Start with: ausguck --storage.path=%s\n", o.StoragePath)
	return nil
}

// plan checks all sources and their destinations, and returns all problems at once.
func (m Migration) plan(ctx context.Context, storage string) (folders []migrate.Folder, grafana *migrate.Grafana, err error) {
	for _, source := range []struct {
		dir  string
		look func(string) (migrate.Folder, error)
	}{{m.Prometheus, migrate.Prometheus}, {m.Loki, migrate.Loki}, {m.Alertmanager, migrate.Alertmanager}} {
		if source.dir == "" {
			continue
		}
		f, lookErr := source.look(source.dir)
		if lookErr == nil {
			lookErr = f.Check(storage)
		}
		err = errors.Join(err, lookErr)
		folders = append(folders, f)
	}
	if m.Grafana != "" {
		var grafanaErr error
		grafana, grafanaErr = migrate.ReadGrafana(ctx, m.Grafana, m.GrafanaToken)
		err = errors.Join(err, grafanaErr)
		if grafanaErr == nil {
			oldest := time.Now().Add(-people.MaxAnnotationAge)
			grafana.Forget(oldest.UnixMilli(), "they ended before "+oldest.Format(time.DateOnly)+", and older ones are not kept here")
		}
	}
	if err == nil && len(folders) == 0 && grafana == nil {
		err = errors.New("nothing to migrate: set a source with --from-prometheus, --from-loki, --from-alertmanager or --from-grafana")
	}
	return folders, grafana, err
}

// takeGrafana runs only the part that serves Grafana's API, and imports everything through it.
func takeGrafana(ctx context.Context, o app.Options, g *migrate.Grafana) (outcome migrate.Outcome, err error) {
	db, err := database.Open(datadir.In(o.StoragePath, datadir.Database))
	if err != nil {
		return outcome, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	source, keyFile := o.DashboardFiles()
	cfg, problems := dashboards.LoadConfig(source)
	if len(problems) > 0 {
		return outcome, errors.Join(problems...)
	}
	admin, _, err := o.Admin(func(string) (string, bool) { return "", false })
	if err != nil {
		return outcome, err
	}
	part, err := dashboards.New(dashboards.Options{
		DB: db, Dir: source.Dir, KeyFile: keyFile, AppURL: "http://localhost/",
		Caller: func(*http.Request) (grafana.Caller, bool) {
			return grafana.Caller{UID: "migrate", Login: admin.Login, Name: "migrated", Role: grafana.Admin}, true
		},
	}, cfg)
	if err != nil {
		return outcome, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- part.Run(running, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		stop()
		return outcome, err
	}
	listener := inproc.NewListener("grafana")
	server := &http.Server{Handler: part.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // returns ErrServerClosed
	outcome, err = g.Give(ctx, &http.Client{Transport: &http.Transport{DialContext: listener.DialContext}})
	stop()
	return outcome, errors.Join(err, server.Close(), <-ended)
}
