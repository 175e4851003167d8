// Command codeagent is a small real system to monitor: it responds to pull requests in Azure DevOps with patches from a language
// model. Each of its services is a subcommand, so that one image is enough for all.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/adapter"
	"github.com/ausguck/ausguck/codeagent/internal/demo"
	"github.com/ausguck/ausguck/codeagent/internal/gateway"
	"github.com/ausguck/ausguck/codeagent/internal/llmpatch"
	"github.com/ausguck/ausguck/codeagent/internal/orchestrator"
	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

const usage = `usage: codeagent gateway | orchestrator | adapter | llm-patch | demo | stand-ins | healthcheck [address]

gateway       receives service hooks of Azure DevOps          :3001
orchestrator  runs jobs through adapter and llm-patch         :7071
adapter       speaks the REST API of Azure DevOps             :7072
llm-patch     asks a language model for a patch               :7073
stand-ins     plays Azure DevOps and the language model, and sends webhooks :7070
demo          all of these in one process, on loopback
healthcheck   exits with 0 when the service at the address, http://127.0.0.1:3001 by default, is ready

Configuration is by environment, see docs/codeagent.md.
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	env := &serve.Env{Lookup: os.LookupEnv}
	if err := run(ctx, os.Args[1], os.Args[2:], env); err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("Stopped", "err", err)
		stop()
		if env.Err() != nil {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, args []string, env *serve.Env) error {
	var logs io.Writer = os.Stdout
	switch name {
	case "gateway":
		c := gateway.LoadConfig(env)
		if err := env.Err(); err != nil {
			return err
		}
		g, err := gateway.New(serve.NewBase(name, logs), c)
		if err != nil {
			return err
		}
		return g.Run(ctx, nil)
	case "orchestrator":
		c := orchestrator.LoadConfig(env)
		if err := env.Err(); err != nil {
			return err
		}
		o, err := orchestrator.New(serve.NewBase(name, logs), c)
		if err != nil {
			return err
		}
		return o.Run(ctx, nil)
	case "adapter":
		c := adapter.LoadConfig(env)
		if err := env.Err(); err != nil {
			return err
		}
		return adapter.New(serve.NewBase(name, logs), c).Run(ctx, nil)
	case "llm-patch":
		c := llmpatch.LoadConfig(env)
		if err := env.Err(); err != nil {
			return err
		}
		return llmpatch.New(serve.NewBase(name, logs), c).Run(ctx, nil)
	case "stand-ins":
		c := demo.LoadConfig(env)
		if err := env.Err(); err != nil {
			return err
		}
		return demo.New(serve.NewBase(name, logs), c).Run(ctx, nil)
	case "demo":
		return demo.RunAll(ctx, env, logs)
	case "healthcheck":
		address := "http://127.0.0.1:3001"
		if len(args) > 0 {
			address = args[0]
		}
		return healthcheck(ctx, address)
	case "help", "--help", "-h":
		fmt.Print(usage)
		return nil
	default:
		return fmt.Errorf("there is no %q\n%s", name, usage)
	}
}

func healthcheck(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext}} // without a proxy
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", address, answer.Status)
	}
	return nil
}
