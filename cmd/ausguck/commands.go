package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/command"
	"github.com/ausguck/ausguck/internal/versions"
)

// Each command is one function that prints its output and returns its exit code.

func runCheck(o app.Options, stdout, stderr io.Writer) int {
	warnings, err := app.Check(o)
	for _, w := range warnings {
		fmt.Fprintf(stdout, "warning: %s\n", w)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		var ce *app.ConfigError
		if errors.As(err, &ce) {
			fmt.Fprintln(stderr, counted(len(ce.Problems), "problem"))
		}
		return exitUsage
	}
	fmt.Fprintln(stdout, "Configuration is valid.")
	return exitStopped
}

func runNotifyTest(o app.Options, receiver string, stdout, stderr io.Writer) int {
	delivered, err := command.TryReceiver(context.Background(), o, receiver, stdout)
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

// initOptions are the flags of `init`; at most one is set.
type initOptions struct {
	missing, diff bool
	add           string
}

func runInit(dir string, o initOptions, stdout, stderr io.Writer) int {
	var done []string
	var err error
	switch {
	case o.missing && o.diff || o.add != "" && (o.missing || o.diff):
		err = errors.New("--missing, --diff and --add exclude each other")
	case o.diff:
		var diff string
		if diff, done, err = command.DiffConfig(dir); err == nil {
			fmt.Fprint(stdout, diff)
			for _, file := range done {
				fmt.Fprintln(stdout, file+" does not exist")
			}
			return exitStopped
		}
	case o.add != "":
		done, err = command.AddToConfig(dir, strings.Split(o.add, ","))
	default:
		done, err = command.WriteConfig(dir, o.missing)
	}
	for _, line := range done {
		fmt.Fprintln(stdout, line)
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "ausguck init: %s\n", err)
		return exitUsage
	case o.add != "":
		fmt.Fprintf(stdout, "Check with: ausguck check --config.dir=%s\nThen reload the configuration.\n", dir)
	case len(done) == 0:
		fmt.Fprintf(stdout, "%s has all files already.\n", dir)
	case command.InContainer():
		fmt.Fprintf(stdout, "%s is a path in this container. Mount the folder that it is on the host at /etc/ausguck.\n", dir)
	default:
		fmt.Fprintf(stdout, "Start with: ausguck --config.dir=%s\n", dir)
	}
	return exitStopped
}

func runCompose(o app.Options, dir string, stdout, stderr io.Writer) int {
	written, todo, err := command.WriteCompose(dir, o.ConfigDir, command.InContainer())
	if err != nil {
		fmt.Fprintf(stderr, "ausguck compose: %s\n", err)
		return exitUsage
	}
	for _, file := range written {
		fmt.Fprintln(stdout, file)
	}
	fmt.Fprintln(stdout, "The first lines of each file say how to start it.")
	if todo != "" {
		fmt.Fprintln(stdout, todo)
	}
	return exitStopped
}

func runComposeFrom(file, dir string, knows func(string) bool, stdout, stderr io.Writer) int {
	target, r, err := command.ComposeFrom(file, dir, knows)
	if err != nil {
		fmt.Fprintf(stderr, "ausguck compose: %s\n", err)
		return exitUsage
	}
	fmt.Fprintln(stdout, target)
	fmt.Fprintf(stdout, "Ausguck replaces %s.\n", strings.Join(r.Replaced, ", "))
	if len(r.Left) > 0 {
		fmt.Fprintf(stdout, "Left as they are in the old file: %s.\n", strings.Join(r.Left, ", "))
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(stdout, "\nNotes:")
	}
	for _, note := range r.Notes {
		fmt.Fprintf(stdout, "- %s\n", note)
	}
	fmt.Fprintf(stdout, "\nNext steps, also at the top of %s; run them in its folder:\n", target)
	for _, step := range r.Steps {
		fmt.Fprintf(stdout, "%s:\n  %s\n", step.For, step.Command)
	}
	return exitStopped
}

func runBackup(o app.Options, file string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command.Backup(ctx, o, file, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "ausguck backup: %s\n", err)
		return exitFailed
	}
	return exitStopped
}

func runRestore(o app.Options, file string, stdout, stderr io.Writer) int {
	m, dir, err := command.Restore(o, file, os.Stdin)
	if err != nil {
		fmt.Fprintf(stderr, "ausguck restore: %s\n", err)
		return exitFailed
	}
	fmt.Fprintf(stdout, "%s holds the backup of %s: %d files, %d bytes, made by %s\n", dir, m.Made.Format("2006-01-02 15:04:05 MST"), m.Files, m.Bytes, m.Program)
	return exitStopped
}

func runMigrate(o app.Options, m command.Migration, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command.Migrate(ctx, o, m, stdout); err != nil {
		fmt.Fprintf(stderr, "ausguck migrate: %s\n", err)
		return exitFailed
	}
	return exitStopped
}

func runHealthcheck(o app.Options, stdout, stderr io.Writer) int {
	answer, err := command.Healthcheck(context.Background(), o)
	if err != nil {
		fmt.Fprintf(stderr, "ausguck healthcheck: %s\n", err)
		return exitFailed
	}
	fmt.Fprintln(stdout, answer)
	return exitStopped
}

func runResetPassword(o app.Options, login string, stdout, stderr io.Writer) int {
	name, password, warnings, err := command.ResetPassword(context.Background(), o, login)
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

// runVersionCheck prints whether there is a newer version. Its exit codes differ from those of other commands, so that a script can
// tell a newer version from a failure.
func runVersionCheck(o app.Options, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	source, err := o.Updates.Source()
	if err != nil {
		fmt.Fprintf(stderr, "ausguck version --check: %s\n", err)
		return exitUnknown
	}
	newest, newer, err := source.Newest(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "ausguck version --check: %s\n", err)
		return exitUnknown
	}
	if !newer {
		fmt.Fprintf(stdout, "ausguck %s is up to date: the newest version is %s\n", versions.Own(), newest.Version)
		return exitUpToDate
	}
	fmt.Fprintf(stdout, "ausguck %s is available; this is %s\n", newest.Version, versions.Own())
	if !newest.Published.IsZero() {
		fmt.Fprintf(stdout, "  published  %s\n", newest.Published.Format(time.DateOnly))
	}
	if newest.URL != "" {
		fmt.Fprintf(stdout, "  see        %s\n", newest.URL)
	}
	return exitNewer
}

// counted formats a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
