package demo

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"github.com/ausguck/ausguck/codeagent/internal/adapter"
	"github.com/ausguck/ausguck/codeagent/internal/gateway"
	"github.com/ausguck/ausguck/codeagent/internal/llmpatch"
	"github.com/ausguck/ausguck/codeagent/internal/orchestrator"
	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

// RunAll runs the four services and the stand-ins in one process, on loopback at their default ports, until ctx ends. DEMO_DIR is
// the folder of the queues.
func RunAll(ctx context.Context, env *serve.Env, logs io.Writer) error {
	dir := env.Text("DEMO_DIR", "./data/codeagent")
	fixed := map[string]map[string]string{
		"gateway": {
			"ADDRESS": "127.0.0.1:3001", "ORCHESTRATOR_URL": "http://127.0.0.1:7071",
			"QUEUE_DIR": filepath.Join(dir, "gateway"), "ADO_PASSWORD": "demo",
		},
		"orchestrator": {
			"ADDRESS": "127.0.0.1:7071", "ADAPTER_URL": "http://127.0.0.1:7072", "LLM_PATCH_URL": "http://127.0.0.1:7073",
			"QUEUE_DIR": filepath.Join(dir, "orchestrator"),
		},
		"adapter":   {"ADDRESS": "127.0.0.1:7072", "ADO_URL": "http://127.0.0.1:7070/azure-devops-stand-in", "ADO_PAUSE": "100ms"},
		"llm-patch": {"ADDRESS": "127.0.0.1:7073", "LLM_URL": "http://127.0.0.1:7070/model-stand-in/v1"},
		"stand-ins": {"ADDRESS": "127.0.0.1:7070", "GATEWAY_URL": "http://127.0.0.1:3001", "ADO_PASSWORD": "demo"},
	}
	envs := map[string]*serve.Env{}
	for name, values := range fixed {
		envs[name] = &serve.Env{Lookup: func(v string) (string, bool) {
			if value, ok := values[v]; ok {
				return value, true
			}
			return env.Lookup(v)
		}}
	}
	base := func(name string) *serve.Base { return serve.NewBase(name, logs) }
	g, err := gateway.New(base("gateway"), gateway.LoadConfig(envs["gateway"]))
	if err != nil {
		return err
	}
	o, err := orchestrator.New(base("orchestrator"), orchestrator.LoadConfig(envs["orchestrator"]))
	if err != nil {
		return errors.Join(err, g.Close())
	}
	a := adapter.New(base("adapter"), adapter.LoadConfig(envs["adapter"]))
	l := llmpatch.New(base("llm-patch"), llmpatch.LoadConfig(envs["llm-patch"]))
	s := New(base("stand-ins"), LoadConfig(envs["stand-ins"]))
	for _, e := range envs {
		err = errors.Join(err, e.Err())
	}
	if err = errors.Join(err, env.Err()); err != nil {
		return errors.Join(err, g.Close(), o.Close())
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error)
	runs := []func() error{
		func() error { return g.Run(ctx, nil) }, func() error { return o.Run(ctx, nil) },
		func() error { return a.Run(ctx, nil) }, func() error { return l.Run(ctx, nil) },
		func() error { return s.Run(ctx, nil) },
	}
	for _, run := range runs {
		go func() { ended <- run() }()
	}
	for range runs {
		err = errors.Join(err, <-ended)
		stop() // if one ends, all end
	}
	return err
}
