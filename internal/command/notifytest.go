package command

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/component/alertmanager"
)

// TryReceiver sends a test notification through a receiver of alertmanager.yml and prints the result. It needs no running server.
// Invalid files give a ConfigError.
func TryReceiver(ctx context.Context, o app.Options, receiver string, out io.Writer) (delivered bool, err error) {
	loader, cfg, name, err := o.LoadAlertmanager()
	if err != nil {
		return false, err
	}
	trials, err := loader.TryReceiver(ctx, cfg, receiver)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if len(trials) == 0 {
		return false, fmt.Errorf("%s: receiver %q has no integration, so it sends no notifications; docs/alerting.md has examples", name, receiver)
	}
	delivered = true
	for _, t := range trials {
		delivered = delivered && t.Result == alertmanager.Delivered
		fmt.Fprintf(out, "%s: %s after %.2f s\n", t.Integration, t.Result, t.Seconds)
		if t.Error != "" {
			fmt.Fprintf(out, "  error: %s\n", indent(t.Error))
		}
		for _, a := range t.Answers {
			fmt.Fprintf(out, "  %s answered %s\n", a.From, a.Status)
			if body := strings.TrimSpace(a.Body); body != "" {
				fmt.Fprintf(out, "    %s\n", indent(body))
			}
		}
	}
	return delivered, nil
}

func indent(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
