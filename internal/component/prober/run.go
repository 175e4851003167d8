package prober

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/blackbox_exporter/config"
	upstream "github.com/prometheus/blackbox_exporter/prober"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/promslog"

	"github.com/ausguck/ausguck/internal/redact"
)

// defaultModule is the module of a request that names none.
const defaultModule = "http_2xx"

// request is what a scrape of /probe asks for.
type request struct {
	name     string // of the module
	module   config.Module
	target   string
	hostname string // instead of that in the target; empty if it is not set
	timeout  time.Duration
	debug    bool
}

const scrapeTimeout = "X-Prometheus-Scrape-Timeout-Seconds"

// badRequest is an error in a scrape, with the response's status.
type badRequest struct {
	status int
	text   string
}

func (b badRequest) Error() string { return b.text }

// requested reads a request as upstream's handler does, with its defaults and errors.
func (p *Prober) requested(header http.Header, params url.Values) (q request, err error) {
	q = request{
		name: cmp.Or(params.Get("module"), defaultModule), target: params.Get("target"), hostname: params.Get("hostname"),
		debug: params.Get("debug") == "true",
	}
	var ok bool
	if q.module, ok = p.state.Load().modules[q.name]; !ok {
		p.unknown.Inc()
		return q, badRequest{http.StatusBadRequest, fmt.Sprintf("Unknown module %q", q.name)}
	}
	if q.timeout, err = p.timeout(header, q.module); err != nil {
		return q, badRequest{http.StatusInternalServerError, "Failed to parse timeout from Prometheus header: " + err.Error()}
	}
	if q.target == "" {
		return q, badRequest{http.StatusBadRequest, "Target parameter is missing"}
	}
	if upstream.Probers[q.module.Prober] == nil {
		return q, badRequest{http.StatusBadRequest, fmt.Sprintf("Unknown prober %q", q.module.Prober)}
	}
	return q, q.setHost(q.hostname)
}

// setHost makes the probe use a host name, instead of that in its target, for virtual hosts and TLS.
func (q *request) setHost(name string) error {
	switch {
	case name == "":
	case q.module.Prober == "http":
		headers := map[string]string{"Host": name}
		for key, value := range q.module.HTTP.Headers {
			if textproto.CanonicalMIMEHeaderKey(key) == "Host" && value != name {
				return badRequest{http.StatusBadRequest, fmt.Sprintf("host header defined both in module configuration (%s) and with URL-parameter 'hostname' (%s)", value, name)}
			}
			headers[key] = value
		}
		q.module.HTTP.Headers = headers
	case q.module.Prober == "tcp" && q.module.TCP.TLSConfig.ServerName == "":
		q.module.TCP.TLSConfig.ServerName = name
	}
	return nil
}

// timeout returns how long a probe may take: less than the scrape, and not longer than its module allows.
func (p *Prober) timeout(header http.Header, m config.Module) (time.Duration, error) {
	scrape := 0.
	if v := header.Get(scrapeTimeout); v != "" {
		var err error
		if scrape, err = strconv.ParseFloat(v, 64); err != nil {
			return 0, err
		}
	}
	if scrape == 0 {
		scrape = 120
	}
	rest := time.Duration((scrape - p.o.TimeoutOffset) * float64(time.Second))
	if rest < 0 || m.Timeout > 0 && m.Timeout < rest {
		return m.Timeout, nil
	}
	return rest, nil
}

// result is the outcome of a probe.
type result struct {
	success bool
	log     bytes.Buffer
	metrics bytes.Buffer // in Prometheus's text format
}

// run runs a probe. It calls upstream's probers as upstream's handler does. That handler also gathers the metrics a second time, and
// writes the module as YAML, for a debug output that hardly anybody asks for: with hundreds of probes, most of their cost.
func run(ctx context.Context, q request) *result {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	r := &result{}
	// The log of a probe does not go to ours, which a target that is down would fill.
	logger := promslog.New(&promslog.Config{Writer: &r.log}).With("module", q.name, "target", q.target)
	success := prometheus.NewGauge(prometheus.GaugeOpts{Name: "probe_success", Help: "Displays whether or not the probe was a success"})
	duration := prometheus.NewGauge(prometheus.GaugeOpts{Name: "probe_duration_seconds", Help: "Returns how long the probe took to complete in seconds"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(success, duration)
	begun := time.Now()
	r.success = upstream.Probers[q.module.Prober](ctx, q.target, q.module, registry, logger)
	took := time.Since(begun).Seconds()
	duration.Set(took)
	if r.success {
		success.Set(1)
	} else {
		logger.Error("Probe failed", "duration_seconds", took)
	}
	families, err := gather(registry)
	for _, family := range families {
		_, failed := expfmt.MetricFamilyToText(&r.metrics, family)
		err = errors.Join(err, failed)
	}
	if err != nil {
		logger.Error("Error gathering metrics", "err", err)
	}
	return r
}

// ServeHTTP probes the target and responds with its metrics, as /probe of blackbox_exporter does. Probes of targets that must not be
// probed fail.
func (p *Prober) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		http.Error(w, "another site's page may not start a probe", http.StatusForbidden)
		return
	}
	q, err := p.requested(r.Header, r.URL.Query())
	if err != nil {
		status := http.StatusInternalServerError
		var bad badRequest
		if errors.As(err, &bad) {
			status = bad.status
		}
		http.Error(w, err.Error(), status)
		return
	}
	ctx, refused, done := p.watched(r.Context())
	defer done()
	asked := q
	if err := p.prepare(ctx, &q); err != nil {
		p.reject(w, asked, err)
		return
	}
	answer := run(ctx, q)
	if err := refused(); err != nil {
		p.reject(w, asked, err)
		return
	}
	debug := debugOutput(answer.log.String(), answer.metrics.String())
	p.history.Add(asked.name, asked.target, debug, answer.success)
	p.keepReason(asked, answer)
	if q.debug {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(withModule(debug, &q.module))) // the client is gone
		return
	}
	w.Header().Set("Content-Type", metricsType)
	_, _ = w.Write(answer.metrics.Bytes()) // the client is gone
}

// metricsType is the Content-Type of Prometheus's text format.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// reject responds to a refused probe: it has failed, for a reason that is in its log and in a comment.
func (p *Prober) reject(w http.ResponseWriter, q request, err error) {
	p.refused.Inc()
	p.calm.Warn("Probe refused", "target", redact.Text(q.target), "err", err)
	p.history.Add(q.name, q.target, debugOutput("probe refused: "+err.Error()+"\n", ""), false)
	if p.known(q.name, q.target) {
		p.reasons.Store(scrapeKey{q.name, q.target}, "probe refused: "+err.Error())
	}
	w.Header().Set("Content-Type", metricsType)
	fmt.Fprintf(w, "# probe refused: %s\n# TYPE probe_success gauge\nprobe_success 0\n# TYPE probe_duration_seconds gauge\nprobe_duration_seconds 0\n", err)
}
