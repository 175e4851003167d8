package promserver

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	promhttp "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/scrape"
)

// Discovered is a target as discovered, and the result of relabeling it.
type Discovered struct {
	// Pool is the scrape configuration that found it.
	Pool string
	// Labels are the labels before relabeling, including the __meta_ ones.
	Labels map[string]string
	// Target is the scraped target, nil if relabeling dropped it.
	Target *Target
	// URL is the URL at which Target is scraped.
	URL string
	// Dropped is the rule that dropped it, nil if none did.
	Dropped *DroppingRule
}

// DroppingRule is a relabeling rule that dropped a target.
type DroppingRule struct {
	// Number is the position of the rule in the scrape configuration, starting at 1.
	Number int
	// SourceLabels are the labels that the rule matches.
	SourceLabels []string
	// Keep is true for a rule that keeps only matches, false for one that drops matches.
	Keep bool
	// Text is the rule as YAML on one line.
	Text string
}

// Discovered returns all targets, including those dropped by relabeling.
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
			continue // a reload has just removed the pool
		}
		for _, t := range targets {
			found := Discovered{Pool: pool, Labels: discoveredLabels(t)}
			found.Dropped = droppedBy(cfg.RelabelConfigs, labels.FromMap(found.Labels))
			all = append(all, found)
		}
	}
	return all
}

// ProbePath is the path at which blackbox_exporter probes a target.
const ProbePath = "/probe"

// DockerHosts returns the Docker engines that scrape configurations query for targets, each with the job that
// does so. Jobs that probe containers are left out.
func (c *Config) DockerHosts() map[string]string {
	hosts := map[string]string{}
	for _, sc := range c.ScrapeConfigs {
		if sc.MetricsPath == ProbePath {
			continue
		}
		for _, sd := range sc.ServiceDiscoveryConfigs {
			if docker, ok := sd.(*moby.DockerSDConfig); ok {
				hosts[docker.Host] = sc.JobName
			}
		}
	}
	return hosts
}

// DiscoversAt reports whether a scrape configuration gets its targets by HTTP from one of the addresses.
func (c *Config) DiscoversAt(addresses []string) bool {
	for _, sc := range c.ScrapeConfigs {
		for _, sd := range sc.ServiceDiscoveryConfigs {
			from, ok := sd.(*promhttp.SDConfig)
			if !ok {
				continue
			}
			if u, err := url.Parse(from.URL); err == nil && slices.Contains(addresses, u.Host) {
				return true
			}
		}
	}
	return false
}

func discoveredLabels(t *scrape.Target) map[string]string {
	return t.DiscoveredLabels(labels.NewBuilder(labels.EmptyLabels())).Map()
}

// droppedBy finds the rule after which no labels are left; nil if a target has no address after all rules.
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
