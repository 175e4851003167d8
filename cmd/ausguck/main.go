// Command ausguck is Prometheus, Alertmanager, node_exporter and cAdvisor in one program.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	_ "time/tzdata" // for systems without time zone data, such as an image that contains nothing else

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	_ "golang.org/x/crypto/x509roots/fallback" // for systems without root certificates

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/command"
	"github.com/ausguck/ausguck/internal/signals"
	"github.com/ausguck/ausguck/internal/versions"
)

// Exit codes, as documented in docs/run.md.
const (
	exitStopped = 0 // stopped on request, completely
	exitFailed  = 1 // failed while running
	exitUsage   = 2 // invalid flags or configuration
)

// Exit codes of `version --check`, as documented in docs/backup.md.
const (
	exitUpToDate = 0
	exitNewer    = 1
	exitUnknown  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	var options app.Options
	var logging promslog.Config
	a := kingpin.New(filepath.Base(os.Args[0]), description)
	a.UsageWriter(stdout).ErrorWriter(stderr).Terminate(os.Exit)
	a.HelpFlag.Short('h')
	a.Version(versions.Text())
	options.RegisterFlags(a)
	promslogflag.AddFlags(a, &logging)

	start := a.Command("run", "Monitor this machine (the default command).").Default()
	check := a.Command("check", "Check every configuration file and print every problem.")
	notify := a.Command("notify-test", "Send a test notification through a receiver in alertmanager.yml and print the response.")
	notifyReceiver := notify.Arg("receiver", "The receiver.").Required().String()
	initialise := a.Command("init", "Write the built-in configuration to a folder.")
	initDir := initialise.Arg("dir", "The folder.").Default(app.DefaultConfigDir).String()
	var initial initOptions
	initialise.Flag("missing", "Write only the files that the folder does not have.").BoolVar(&initial.missing)
	initialise.Flag("diff", "Write nothing; print how the files in the folder differ from the built-in ones.").BoolVar(&initial.diff)
	initialise.Flag("add", "Add parts of the built-in prometheus.yml to the one in the folder, separated by commas: rules, containers, or another of its jobs.").PlaceHolder("<part,...>").StringVar(&initial.add)
	composing := a.Command("compose", "Write Compose files for Ausguck in one container, for the separate official containers, and for the code agent. They mount --config.dir; if it does not exist, the built-in configuration is written there.")
	composeDir := composing.Arg("dir", "The folder for them.").Default(".").String()
	composeFrom := composing.Flag("from", "Compose file of a monitoring stack. Write the file in which Ausguck replaces its Prometheus, Alertmanager, Loki, Promtail, Grafana, node_exporter and cAdvisor instead, and print what to know.").PlaceHolder("<path>").String()
	backing := a.Command("backup", "Write all data of the running Ausguck to one file. No password is needed if --storage.path is writable.")
	backupFile := backing.Arg("file", "The file, or - for standard output.").Required().String()
	restoring := a.Command("restore", "Restore a backup into --storage.path, which must be empty.")
	restoreFile := restoring.Arg("file", "The file, or - for standard input.").Required().String()
	migrating := a.Command("migrate", "Import the data of the separate programs into --storage.path. Without --write, only print what would be done.")
	var migration command.Migration
	migrating.Flag("from-prometheus", "Data folder of a stopped Prometheus, or a snapshot of it.").PlaceHolder("<path>").StringVar(&migration.Prometheus)
	migrating.Flag("from-loki", "Data folder of Loki, which contains chunks/.").PlaceHolder("<path>").StringVar(&migration.Loki)
	migrating.Flag("from-alertmanager", "Data folder of Alertmanager, which contains silences and nflog.").PlaceHolder("<path>").StringVar(&migration.Alertmanager)
	migrating.Flag("from-grafana", "Grafana's grafana.db file, or its URL.").PlaceHolder("<path or URL>").StringVar(&migration.Grafana)
	migrating.Flag("grafana-token", "Token of an admin, if a URL is given.").Envar("GRAFANA_TOKEN").PlaceHolder("<token>").StringVar(&migration.GrafanaToken)
	migrating.Flag("write", "Write the data.").BoolVar(&migration.Write)
	health := a.Command("healthcheck", "Check whether a running Ausguck is ready; for containers.")
	reset := a.Command("reset-password", "Set a new password for a user and print it; works while Ausguck is running.")
	resetLogin := reset.Arg("login", "The user. Default: the admin.").String()
	version := a.Command("version", "Print the versions of Ausguck and of the embedded programs.")
	versionCheck := version.Flag("check", "Ask --update.url whether there is a newer version instead. Exit code 0: no; 1: yes; 2: it could not be found out.").Bool()

	command, err := a.Parse(keepDashes(options.TakeNodeExporterFlags(args)))
	if err != nil {
		fmt.Fprintf(stderr, "%s: %s; see %s --help\n", a.Name, err, a.Name)
		return exitUsage
	}
	for _, file := range []*string{backupFile, restoreFile, composeFrom} {
		if *file == dash {
			*file = "-"
		}
	}
	options.Stdout = stdout
	logging.Writer = stderr
	options.Logger = promslog.New(&logging)
	options.Flags = shownFlags(a)

	if command == start.FullCommand() {
		return serve(options, stderr)
	}
	signals.Release()
	switch command {
	case check.FullCommand():
		return runCheck(options, stdout, stderr)
	case notify.FullCommand():
		return runNotifyTest(options, *notifyReceiver, stdout, stderr)
	case initialise.FullCommand():
		return runInit(*initDir, initial, stdout, stderr)
	case composing.FullCommand():
		if *composeFrom != "" {
			knows := func(flag string) bool { return a.GetFlag(flag) != nil || app.HasNodeExporterFlag(flag) }
			return runComposeFrom(*composeFrom, *composeDir, knows, stdout, stderr)
		}
		return runCompose(options, *composeDir, stdout, stderr)
	case backing.FullCommand():
		return runBackup(options, *backupFile, stdout, stderr)
	case restoring.FullCommand():
		return runRestore(options, *restoreFile, stdout, stderr)
	case migrating.FullCommand():
		return runMigrate(options, migration, stdout, stderr)
	case health.FullCommand():
		return runHealthcheck(options, stdout, stderr)
	case reset.FullCommand():
		return runResetPassword(options, *resetLogin, stdout, stderr)
	case version.FullCommand():
		if *versionCheck {
			return runVersionCheck(options, stdout, stderr)
		}
		fmt.Fprint(stdout, versions.Text())
	}
	return exitStopped
}

// dash replaces the argument "-", which the parser turns into an empty string.
const dash = "(standard stream)"

func keepDashes(args []string) []string {
	kept := slices.Clone(args)
	for i, arg := range kept {
		if arg == "-" {
			kept[i] = dash
		}
	}
	return kept
}

const description = `Prometheus, Alertmanager, Loki, Promtail, Grafana's dashboards, node_exporter, cAdvisor and discovery of containers in one program, with their standard files, flags and APIs.

The flags of node_exporter's collectors work too: --collector.*, --no-collector.* and --path.*; its documentation lists them.`

// serve runs until SIGINT or SIGTERM; SIGHUP reloads.
func serve(o app.Options, stderr io.Writer) int {
	ctx := signals.Stop()
	a, err := app.New(o)
	var ce *app.ConfigError
	if errors.As(err, &ce) {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	if err != nil {
		fmt.Fprintf(stderr, "ausguck: %s\n", err)
		return exitFailed
	}
	go func() {
		for range signals.Hangups() {
			_ = a.Reload() // it logs the outcome
		}
	}()
	if err := a.Run(ctx); err != nil {
		fmt.Fprintf(stderr, "ausguck: %s\n", err)
		return exitFailed
	}
	return exitStopped
}

// shownFlags returns the flags with their values, for /api/v1/status/flags.
func shownFlags(a *kingpin.Application) map[string]string {
	boilerplate := kingpin.New("", "").Version("")
	flags := map[string]string{}
	for _, f := range a.Model().Flags {
		if boilerplate.GetFlag(f.Name) == nil {
			flags[f.Name] = withoutPassword(f.Value.String())
		}
	}
	return flags
}

// withoutPassword replaces the password in a value that is a URL.
func withoutPassword(value string) string {
	if u, err := url.Parse(value); err == nil && u.User != nil {
		return u.Redacted()
	}
	return value
}
