package prober

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Address is the host name, inside the process, at which targets are probed.
const Address = "blackbox:9115"

// targetGroup is an element of the response that Prometheus's http_sd_configs expects.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// Targets serves the probes as targets for http_sd_configs.
func (p *Prober) Targets(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(p.state.Load().targets()) // the client is gone
}

// targetsOf returns the probes as JSON.
func targetsOf(probes []entry) []byte {
	groups := []targetGroup{}
	for _, e := range probes {
		groups = append(groups, e.targets())
	}
	text, err := json.Marshal(groups)
	if err != nil {
		panic(err) // there are only strings in it
	}
	return text
}

func (e entry) targets() targetGroup {
	labels := map[string]string{
		"__metrics_path__": "/probe", "__param_module": e.moduleName(), "__param_target": e.address,
		"__scrape_interval__": e.Interval.String(), "__scrape_timeout__": e.Timeout.String(),
		"instance": e.URL, "probe": e.Name,
	}
	if e.Group != "" {
		labels["group"] = e.Group
	}
	for name, value := range e.Labels {
		labels[name] = value
	}
	return targetGroup{Targets: []string{Address}, Labels: labels}
}

// described exports what probes.yml says about the probes, for rules and dashboards.
type described struct{ p *Prober }

var (
	probeInfo = prometheus.NewDesc("ausguck_probe_info",
		"The probes of probes.yml and of the page; always 1.", []string{"probe", "group", "target"}, nil)
	probeMaxDuration = prometheus.NewDesc("ausguck_probe_max_duration_seconds",
		"The duration above which a probe counts as slow; absent if none is set.", []string{"probe"}, nil)
	probeMinCertificate = prometheus.NewDesc("ausguck_probe_certificate_min_seconds",
		"How long a certificate has to be valid still; absent if it is not set.", []string{"probe"}, nil)
	probeDomainExpiry = prometheus.NewDesc("ausguck_probe_domain_expiry_timestamp_seconds",
		"When the registration of the domain of a probe expires, in seconds since 1970; absent if it is not known.", []string{"probe", "domain"}, nil)
	probeMinDomain = prometheus.NewDesc("ausguck_probe_domain_min_seconds",
		"How long the registration of a domain has to last still; absent if it is not set.", []string{"probe"}, nil)
	probeDependency = prometheus.NewDesc("ausguck_probe_dependency",
		"A probe whose failure explains that of another; always 1.", []string{"probe", "dependency"}, nil)
)

// Describe implements prometheus.Collector.
func (described) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{probeInfo, probeMaxDuration, probeMinCertificate, probeDomainExpiry, probeMinDomain, probeDependency} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (d described) Collect(to chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, e := range d.p.state.Load().probes {
		gauge(probeInfo, 1, e.Name, e.Group, e.URL)
		if e.Expect.MaxDuration > 0 {
			gauge(probeMaxDuration, time.Duration(e.Expect.MaxDuration).Seconds(), e.Name)
		}
		if e.Expect.CertificateDays > 0 {
			gauge(probeMinCertificate, e.Expect.CertificateDays*(24*time.Hour).Seconds(), e.Name)
		}
		if e.domain != "" {
			gauge(probeMinDomain, e.Expect.DomainDays*(24*time.Hour).Seconds(), e.Name)
			if expires := d.p.domains.state(e.domain).Expires; !expires.IsZero() {
				gauge(probeDomainExpiry, float64(expires.Unix()), e.Name, e.domain)
			}
		}
		for _, dependency := range unique(e.DependsOn) {
			gauge(probeDependency, 1, e.Name, dependency)
		}
	}
}

func unique(list []string) (found []string) {
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			found = append(found, s)
		}
	}
	return found
}
