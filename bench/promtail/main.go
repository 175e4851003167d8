// Command promtail is the stock Promtail with a minimal main around its packages: upstream removed its own main from the module
// at Promtail's end of life. Benchmarks and end-to-end tests run it beside Ausguck.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail"
	"github.com/grafana/loki/v3/clients/pkg/promtail/client"
	"github.com/grafana/loki/v3/clients/pkg/promtail/config"
	"github.com/prometheus/client_golang/prometheus"
	"gopkg.in/yaml.v2"
)

func main() {
	file := flag.String("config.file", "promtail.yml", "promtail.yml")
	flag.Parse()
	if err := run(*file); err != nil {
		fmt.Fprintln(os.Stderr, "promtail:", err)
		os.Exit(1)
	}
}

// run collects logs according to the file until SIGTERM.
func run(file string) error {
	var cfg config.Config
	cfg.RegisterFlags(flag.NewFlagSet("", flag.ContinueOnError)) // the defaults
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(content, &cfg); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	logger := log.NewLogfmtLogger(os.Stderr)
	p, err := promtail.New(cfg, nil, client.NewMetrics(prometheus.DefaultRegisterer), false, promtail.WithLogger(logger))
	if err != nil {
		return err
	}
	return p.Run()
}
