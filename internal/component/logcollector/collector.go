package logcollector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail/client"
	"github.com/grafana/loki/v3/clients/pkg/promtail/positions"
	"github.com/prometheus/client_golang/prometheus"
	yamlv2 "gopkg.in/yaml.v2"

	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/logbridge"
)

// stopTimeout bounds how long a shutdown waits for the store to accept the lines already read.
const stopTimeout = 3 * time.Second

// Collector collects logs.
type Collector struct {
	options  Options
	goKit    log.Logger
	metrics  *metrics
	promtail *client.Metrics
	reload   chan reloading

	running atomic.Bool

	mtx        sync.Mutex
	applied    *Config
	containers []*containers // of the running configuration
}

type reloading struct {
	cfg  *Config
	done chan error
}

var _ lifecycle.Component = (*Collector)(nil)

// New returns a Collector; cfg comes from LoadConfig with the same options.
func New(o Options, cfg *Config) *Collector {
	return &Collector{
		options: o, goKit: logbridge.GoKit(o.Logger), metrics: newMetrics(o.Registerer), promtail: client.NewMetrics(o.Registerer),
		reload: make(chan reloading), applied: cfg,
	}
}

// Run collects until ctx ends.
func (c *Collector) Run(ctx context.Context, ready func()) error {
	if err := c.options.makeSound(); err != nil {
		return err
	}
	ledger, err := openLedger(c.options.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = ledger.close() }()
	c.running.Store(true)
	defer c.running.Store(false)
	if ledger.damage != "" {
		c.metrics.ledgerDamaged.Inc()
		c.options.tellOfLedger(ledger)
	}
	cfg := c.Applied()
	r, err := c.start(ctx, cfg, ledger)
	if err != nil {
		return err
	}
	ready()
	for {
		select {
		case <-ctx.Done():
			r.stop()
			return nil
		case err := <-r.failed:
			r.stop()
			return err
		case next := <-c.reload:
			r.stop()
			begun, err := c.start(ctx, next.cfg, ledger)
			if err != nil {
				var again error
				if begun, again = c.start(ctx, cfg, ledger); again != nil {
					next.done <- err
					return errors.Join(err, again)
				}
			} else {
				cfg = next.cfg
			}
			r = begun
			next.done <- err
		}
	}
}

// Applied returns the running configuration.
func (c *Collector) Applied() *Config {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	return c.applied
}

// ApplyConfig continues with another configuration from where each source was left.
func (c *Collector) ApplyConfig(cfg *Config) error {
	if bytes.Equal(c.Applied().content, cfg.content) {
		return nil
	}
	if !c.running.Load() {
		c.setApplied(cfg)
		return nil
	}
	r := reloading{cfg, make(chan error, 1)}
	select {
	case c.reload <- r:
	case <-time.After(2 * stopTimeout):
		return errors.New("apply promtail.yml: the log collector is not running; retry when it is")
	}
	if err := <-r.done; err != nil {
		return fmt.Errorf("apply promtail.yml: %w", err)
	}
	c.setApplied(cfg)
	return nil
}

func (c *Collector) setApplied(cfg *Config) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.applied = cfg
}

// run is one running configuration.
type run struct {
	readers, senders context.CancelFunc
	reading, sending sync.WaitGroup
	failed           chan error
	positions        positions.Positions
	files            *files
	registry         *swapped
}

// start reads and sends according to cfg.
func (c *Collector) start(ctx context.Context, cfg *Config, l *ledger) (*run, error) {
	o := c.options
	r := &run{failed: make(chan error, 1), registry: &swapped{Registerer: o.Registerer}}
	others, selves := cfg.remotes(o.OwnAddresses)
	to := destinations(selves)
	s := &sender{logger: o.Logger, ledger: l, metrics: c.metrics, in: make(chan *batch), destinations: to, external: to[0].external}
	if o.Store != nil {
		s.store = tenantStore{o.Store, to[0].tenant}
	}
	for _, cl := range others {
		remote, err := newRemote(cl, cfg, c.promtail, c.metrics, o.Logger, c.goKit, o.Store == nil)
		if err != nil {
			return nil, err
		}
		s.others = append(s.others, remote)
	}
	jobs, err := c.jobs(cfg, r.registry)
	if err != nil {
		r.registry.release()
		return nil, err
	}
	at := cfg.PositionsConfig
	before := readPositions(at.PositionsFile)
	at.PositionsFile = filepath.Join(o.Dir, "positions.yaml")
	if r.positions, err = positions.New(c.goKit, at); err != nil {
		r.registry.release()
		return nil, fmt.Errorf("open positions.yaml: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	sendCtx, stopSending := context.WithCancel(ctx)
	readCtx, stopReading := context.WithCancel(ctx)
	r.senders, r.readers = stopSending, stopReading
	for _, other := range s.others {
		r.sending.Go(func() { other.run(sendCtx) })
	}
	r.sending.Go(func() { s.run(sendCtx) })
	c.read(readCtx, cfg, jobs, s, r, before)
	return r, nil
}

// jobs creates the pipelines.
func (c *Collector) jobs(cfg *Config, reg prometheus.Registerer) (map[string]*job, error) {
	jobs := map[string]*job{}
	for i := range cfg.ScrapeConfig {
		sc := &cfg.ScrapeConfig[i]
		if toldOnly(sc) {
			continue
		}
		j, err := newJob(sc, c.goKit, reg)
		if err != nil {
			return nil, err
		}
		jobs[sc.JobName] = j
	}
	return jobs, nil
}

// read starts the readers of all jobs.
func (c *Collector) read(ctx context.Context, cfg *Config, jobs map[string]*job, s *sender, r *run, before map[string]int64) {
	o := c.options
	ofFiles := map[string]*job{}
	var ofTold told
	var engines []*containers
	started := time.Now()
	for i := range cfg.ScrapeConfig {
		sc := &cfg.ScrapeConfig[i]
		j := jobs[sc.JobName]
		switch {
		case toldOnly(sc):
			ofTold.configs = append(ofTold.configs, *sc)
			continue
		case sc.HasServiceDiscoveryConfig():
			ofFiles[sc.JobName] = j
		case sc.JournalConfig != nil:
			if journalProblem() == nil { // otherwise a warning is logged
				jr := &journalReader{logger: o.Logger, sender: s, metrics: c.metrics, job: j, key: "journal:" + j.name + ":" + sc.JournalConfig.Path}
				r.reading.Go(func() { jr.run(ctx) })
			}
		}
		for _, sd := range sc.DockerSDConfigs {
			cs := newContainers(o.Logger, s, c.metrics, j, sd, started)
			engines = append(engines, cs)
			r.reading.Go(func() { cs.run(ctx) })
		}
	}
	c.mtx.Lock()
	c.containers = engines
	c.mtx.Unlock()
	if len(ofFiles) > 0 {
		r.files = newFiles(o.Logger, s, c.metrics, ofFiles)
		r.files.maxOpen = o.maxFiles()
		r.files.importPosition = func(path string) int64 { return before[path] }
		r.reading.Go(func() { r.fail(r.files.run(ctx)) })
		r.reading.Go(func() { r.keepPositions(ctx) })
	}
	ofTold.logger, ofTold.reg, ofTold.cfg, ofTold.sender = c.goKit, r.registry, cfg, s
	ofTold.positions = cfg.PositionsConfig
	ofTold.positions.PositionsFile = filepath.Join(o.Dir, "positions-of-targets.yaml")
	r.reading.Go(func() { r.fail(ofTold.run(ctx)) })
}

func (r *run) fail(err error) {
	if err != nil {
		select {
		case r.failed <- err:
		default:
		}
	}
}

// keepPositions writes positions.yaml, so that a separate Promtail can continue where this one stopped.
func (r *run) keepPositions(ctx context.Context) {
	ticker := time.NewTicker(r.positions.SyncPeriod())
	defer ticker.Stop()
	for {
		for path, offset := range r.files.offsets() {
			r.positions.Put(path, offset)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// stop ends reading, and then sending once all lines read are stored or the store takes too long.
func (r *run) stop() {
	r.readers()
	done := make(chan struct{})
	go func() {
		r.reading.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(stopTimeout):
	}
	r.senders()
	<-done
	r.sending.Wait()
	r.positions.Stop()
	r.registry.release()
}

// readPositions returns how far a previous Promtail had read each file.
func readPositions(file string) map[string]int64 {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var known positions.File
	if yamlv2.Unmarshal(content, &known) != nil {
		return nil
	}
	before := map[string]int64{}
	for path, text := range known.Positions {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			before[path] = n
		}
	}
	return before
}

// swapped records what was registered, so that the next configuration can register the same.
type swapped struct {
	prometheus.Registerer

	mtx sync.Mutex
	all []prometheus.Collector
}

// Register implements prometheus.Registerer.
func (s *swapped) Register(c prometheus.Collector) error {
	err := s.Registerer.Register(c)
	if err == nil {
		s.mtx.Lock()
		s.all = append(s.all, c)
		s.mtx.Unlock()
	}
	return err
}

// MustRegister implements prometheus.Registerer.
func (s *swapped) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := s.Register(c); err != nil {
			panic(err)
		}
	}
}

func (s *swapped) release() {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	for _, c := range s.all {
		s.Unregister(c)
	}
	s.all = nil
}
