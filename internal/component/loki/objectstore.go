package loki

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/grafana/loki/v3/pkg/loki"
	"github.com/grafana/loki/v3/pkg/storage"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	askInterval      = 10 * time.Second // while it answers
	askAgainInterval = 2 * time.Second  // while it does not
	askTimeout       = 5 * time.Second
)

// ask lists a part of an object store that is empty. It returns an error if the store does not answer in askTimeout.
func ask(ctx context.Context, cfg *Config, store string) error {
	release := useRegistry(prometheus.NewRegistry())
	client, err := storage.NewObjectClient(store, "ausguck", cfg.StorageConfig, storage.NewClientMetrics())
	release()
	if err != nil {
		return fmt.Errorf("object store %s: %w", store, err)
	}
	defer client.Stop()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if _, _, err := client.List(ctx, "ausguck-asks/", "/"); err != nil {
		return fmt.Errorf("object store %s does not answer: %w", store, err)
	}
	return nil
}

// errCompactor is what creating the modules fails with if the compactor cannot read its list of deletions.
var errCompactor = errors.New("create Loki's compactor")

// create creates an engine. Without its object store, Loki would not start, because the compactor reads the list of deletions from
// it; lines could not be accepted although the write-ahead log has space for them. The compactor is then left out, and so is
// retention, until watchObjectStore finds that the store answers.
func (s *Server) create(ctx context.Context, cfg *Config, limits *cappedLimits) (*engine, error) {
	newest, store := cfg.objectStore(), onNetwork(cfg.CompactorConfig.DeleteRequestStore)
	away := map[string]error{"": nil} // by store; files are always there
	for _, name := range []string{newest, store} {
		if _, asked := away[name]; !asked {
			away[name] = ask(ctx, cfg, name)
		}
	}
	if away[newest] != nil {
		s.forgetIndexCache(cfg)
	}
	compacts := true
	if err := away[store]; err != nil && cfg.CompactorConfig.RetentionEnabled && cfg.isTargeted(loki.Compactor) {
		compacts = false
		s.log.Error("Loki runs without its compactor until the object store answers: lines are accepted, but no retention and no deletion takes place", "err", err)
	}
	e, err := newEngine(s, cfg, limits, compacts)
	if !errors.Is(err, errCompactor) || store == "" {
		return e, err
	}
	s.log.Error("Loki runs without its compactor: lines are accepted, but no retention and no deletion takes place", "err", err)
	return newEngine(s, cfg, limits, false)
}

// forgetIndexCache removes the copies of the index that queries have fetched. Loki compares each with the object store before it starts,
// which takes minutes if the store accepts connections and does not respond.
func (s *Server) forgetIndexCache(cfg *Config) {
	for _, dir := range []string{cfg.StorageConfig.TSDBShipperConfig.CacheLocation, cfg.StorageConfig.BoltDBShipperConfig.CacheLocation} {
		if dir == "" {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			s.log.Warn("Cannot remove the cache of the index; Loki may start late", "err", err)
		}
	}
}

// isTargeted reports whether a module of allModules runs.
func (c *Config) isTargeted(module string) bool {
	for _, target := range c.Target {
		if target == loki.All || target == module {
			return true
		}
	}
	return false
}

// asCompactorError marks errors of creating the compactor, which comes after all modules that store lines.
func asCompactorError(err error) error {
	if strings.Contains(err.Error(), "initialising module: "+loki.Compactor) {
		return fmt.Errorf("%w: %w", errCompactor, err)
	}
	return err
}

// newObjectStoreGauge registers the metric of watchObjectStore.
func (s *Server) newObjectStoreGauge() {
	s.options.Registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ausguck_loki_object_store_up", Help: "Whether the object store of the newest logs answered when it was last asked; 1 if logs are stored in files.",
	}, func() float64 {
		if s.storeSays() != "" {
			return 0
		}
		return 1
	}))
}

// storeSays returns what is wrong with the object store, or "".
func (s *Server) storeSays() string {
	text, _ := s.storeError.Load().(string)
	return text
}

// crowdedShare is the share of the memory limit from which on lines are refused while the object store does not answer.
const crowdedShare = 0.75

var errCrowded = fmt.Errorf("the object store of logs does not answer, and the heap uses %.0f%% of the memory limit", crowdedShare*100)

// weigh decides whether lines are refused: without its object store, Loki keeps all new chunks in memory.
func (s *Server) weigh() {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	s.crowded.Store(s.storeSays() != "" && float64(heap[0].Value.Uint64()) > crowdedShare*float64(memoryLimit()))
}

// watchObjectStore asks the object store until ctx ends, reports whether it answers, and has the engine created again when it
// answers and the compactor is missing.
func (s *Server) watchObjectStore(ctx context.Context) {
	timer := time.NewTimer(askInterval)
	defer timer.Stop()
	for {
		cfg := s.Applied()
		if store := cfg.objectStore(); store == "" {
			s.storeError.Store("")
		} else {
			s.tellObjectStore(ctx, ask(ctx, cfg, store))
		}
		s.weigh()
		if e := s.engine.Load(); e != nil && !e.compacts && s.storeSays() == "" && ctx.Err() == nil {
			s.log.Info("Restarting Loki with its compactor, because the object store answers")
			again := reloading{e.cfg, make(chan error, 1)}
			select {
			case s.reload <- again:
				if err := <-again.done; err != nil {
					s.log.Error("Cannot restart Loki with its compactor", "err", err)
				}
			case <-ctx.Done():
			}
		}
		timer.Reset(askInterval)
		if s.storeSays() != "" {
			timer.Reset(askAgainInterval)
		}
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// tellObjectStore logs when the object store stops and begins to answer.
func (s *Server) tellObjectStore(ctx context.Context, err error) {
	before := s.storeSays()
	switch {
	case ctx.Err() != nil:
	case err != nil && before == "":
		s.log.Error("The object store of logs does not answer. Lines are accepted and kept in memory and in the write-ahead log until it does; queries for older lines fail", "err", err)
		s.storeError.Store(err.Error())
	case err != nil:
		s.storeError.Store(err.Error())
	case before != "":
		s.log.Info("The object store of logs answers again")
		s.storeError.Store("")
	}
}
