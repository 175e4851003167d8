// Command ausguck is Prometheus, Alertmanager, node_exporter and cAdvisor in one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"

	"github.com/ausguck/ausguck/internal/app"
)

// The exit codes, as docs/run.md lists them.
const (
	exitStopped = 0 // asked to stop, and everything stopped
	exitFailed  = 1 // failed while running
	exitUsage   = 2 // bad flags or configuration
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
	options.RegisterFlags(a)
	promslogflag.AddFlags(a, &logging)

	start := a.Command("run", "Watch this machine (the default command).").Default()
	check := a.Command("check", "Check every configuration file and print every problem.")
	notify := a.Command("notify-test", "Send a test notification through a receiver of alertmanager.yml and print what the other side answered.")
	notifyReceiver := notify.Arg("receiver", "The receiver.").Required().String()
	initialise := a.Command("init", "Write the built-in configuration set into a folder.")
	initDir := initialise.Arg("dir", "The folder.").Default(app.DefaultConfigDir).String()
	health := a.Command("healthcheck", "Ask a running Ausguck whether it is ready; for containers.")
	reset := a.Command("reset-password", "Give a user a new password and print it; also while Ausguck runs.")
	resetLogin := reset.Arg("login", "The user. Default: the admin.").String()
	version := a.Command("version", "Print the version and those of what is embedded.")

	command, err := a.Parse(options.TakeNodeExporterFlags(args))
	if err != nil {
		fmt.Fprintf(stderr, "%s: %s; see %s --help\n", a.Name, err, a.Name)
		return exitUsage
	}
	options.Stdout = stdout
	logging.Writer = stderr
	options.Logger = promslog.New(&logging)
	options.Prometheus.Flags = shownFlags(a)

	switch command {
	case start.FullCommand():
		return serve(options, stderr)
	case check.FullCommand():
		return runCheck(options, stdout, stderr)
	case notify.FullCommand():
		return runNotifyTest(options, *notifyReceiver, stdout, stderr)
	case initialise.FullCommand():
		return runInit(*initDir, stdout, stderr)
	case health.FullCommand():
		return runHealthcheck(options, stdout, stderr)
	case reset.FullCommand():
		return runResetPassword(options, *resetLogin, stdout, stderr)
	case version.FullCommand():
		fmt.Fprint(stdout, app.VersionText())
	}
	return exitStopped
}

const description = `Prometheus, Alertmanager, node_exporter and cAdvisor in one program, with their standard files, flags and APIs.

The flags of node_exporter's collectors work too: --collector.*, --no-collector.* and --path.*; its documentation lists them.`

// serve runs until SIGINT or SIGTERM; SIGHUP reloads.
func serve(o app.Options, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go func() {
		for range hup {
			_ = a.Reload() // it logs its outcome
		}
	}()
	if err := a.Run(ctx); err != nil {
		fmt.Fprintf(stderr, "ausguck: %s\n", err)
		return exitFailed
	}
	return exitStopped
}

func runCheck(o app.Options, stdout, stderr io.Writer) int {
	warnings, err := app.Check(o)
	for _, w := range warnings {
		fmt.Fprintf(stdout, "warning: %s\n", w)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		var ce *app.ConfigError
		if errors.As(err, &ce) {
			fmt.Fprintf(stderr, "%d problems\n", len(ce.Problems))
		}
		return exitUsage
	}
	fmt.Fprintln(stdout, "The configuration is right.")
	return exitStopped
}

func runNotifyTest(o app.Options, receiver string, stdout, stderr io.Writer) int {
	delivered, err := app.TryReceiver(context.Background(), o, receiver, stdout)
	var ce *app.ConfigError
	switch {
	case errors.As(err, &ce):
		fmt.Fprintln(stderr, err)
		return exitUsage
	case err != nil:
		fmt.Fprintf(stderr, "ausguck notify-test: %s\n", err)
		return exitFailed
	case !delivered:
		return exitFailed
	}
	return exitStopped
}

func runInit(dir string, stdout, stderr io.Writer) int {
	written, err := app.WriteConfig(dir)
	if err != nil {
		fmt.Fprintf(stderr, "ausguck init: %s\n", err)
		return exitUsage
	}
	for _, file := range written {
		fmt.Fprintln(stdout, file)
	}
	fmt.Fprintf(stdout, "Start with: ausguck --config.dir=%s\n", dir)
	return exitStopped
}

func runHealthcheck(o app.Options, stdout, stderr io.Writer) int {
	answer, err := app.Healthcheck(context.Background(), o)
	if err != nil {
		fmt.Fprintf(stderr, "ausguck healthcheck: %s\n", err)
		return exitFailed
	}
	fmt.Fprintln(stdout, answer)
	return exitStopped
}

func runResetPassword(o app.Options, login string, stdout, stderr io.Writer) int {
	name, password, warnings, err := app.ResetPassword(context.Background(), o, login)
	if err != nil {
		fmt.Fprintf(stderr, "ausguck reset-password: %s\n", err)
		return exitFailed
	}
	for _, w := range warnings {
		fmt.Fprintf(stderr, "warning: %s\n", w)
	}
	fmt.Fprintf(stdout, "The password of %s is now %s\n", name, password)
	return exitStopped
}

// shownFlags are the flags with their values, for /api/v1/status/flags.
func shownFlags(a *kingpin.Application) map[string]string {
	boilerplate := kingpin.New("", "").Version("")
	flags := map[string]string{}
	for _, f := range a.Model().Flags {
		if boilerplate.GetFlag(f.Name) == nil {
			flags[f.Name] = f.Value.String()
		}
	}
	return flags
}
