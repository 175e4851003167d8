package promserver

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/scrape"
)

// Discovered is a target as discovery found it, and what became of it.
type Discovered struct {
	// Pool is the scrape configuration that found it.
	Pool string
	// Labels are those before relabelling, with the __meta_ ones.
	Labels map[string]string
	// Target is what is scraped, nil when relabelling dropped it.
	Target *Target
	// URL is where Target is scraped.
	URL string
	// Dropped is the rule that dropped it, nil when no rule did.
	Dropped *DroppingRule
}

// DroppingRule is a relabelling rule that dropped a target.
type DroppingRule struct {
	// Number counts the rules of the scrape configuration from 1.
	Number int
	// SourceLabels are those that it looks at.
	SourceLabels []string
	// Keep is true when it keeps only what matches, false when it drops what matches.
	Keep bool
	// Text is the rule as YAML, in a line.
	Text string
}

// Discovered returns all targets, those that relabelling has dropped too.
func (s *Server) Discovered() []Discovered {
	e := s.state.Load()
	if e == nil {
		return nil
	}
	var all []Discovered
	for pool, targets := range e.scrape.TargetsActive() {
		for _, t := range targets {
			active := targetOf(pool, t)
			all = append(all, Discovered{Pool: pool, Labels: discoveredLabels(t), Target: &active, URL: hideQueries(t.URL().String())})
		}
	}
	for pool, targets := range e.scrape.TargetsDropped() {
		cfg, err := e.scrape.ScrapePoolConfig(pool)
		if err != nil {
			continue // a reload has just taken the pool away
		}
		for _, t := range targets {
			found := Discovered{Pool: pool, Labels: discoveredLabels(t)}
			found.Dropped = droppedBy(cfg.RelabelConfigs, labels.FromMap(found.Labels))
			all = append(all, found)
		}
	}
	return all
}

// DockerHosts returns the Docker engines that scrape configurations ask for targets, each with the job that does.
func (c *Config) DockerHosts() map[string]string {
	hosts := map[string]string{}
	for _, sc := range c.ScrapeConfigs {
		for _, sd := range sc.ServiceDiscoveryConfigs {
			if docker, ok := sd.(*moby.DockerSDConfig); ok {
				hosts[docker.Host] = sc.JobName
			}
		}
	}
	return hosts
}

func discoveredLabels(t *scrape.Target) map[string]string {
	return t.DiscoveredLabels(labels.NewBuilder(labels.EmptyLabels())).Map()
}

// droppedBy finds the rule after which nothing is left; nil when a target has no address after all of them.
func droppedBy(rules []*relabel.Config, found labels.Labels) *DroppingRule {
	b := labels.NewBuilder(found)
	for i, rule := range rules {
		if relabel.ProcessBuilder(b, rule) {
			continue
		}
		r := &DroppingRule{Number: i + 1, Keep: strings.HasPrefix(string(rule.Action), string(relabel.Keep)), Text: ruleText(rule)}
		for _, name := range rule.SourceLabels {
			r.SourceLabels = append(r.SourceLabels, string(name))
		}
		return r
	}
	return nil
}

func ruleText(rule *relabel.Config) string {
	names := make([]string, len(rule.SourceLabels))
	for i, name := range rule.SourceLabels {
		names[i] = string(name)
	}
	return fmt.Sprintf("source_labels: [%s], regex: %q, action: %s", strings.Join(names, ", "), rule.Regex.String(), rule.Action)
}
