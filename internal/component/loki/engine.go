package loki

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/grpcutil"
	"github.com/grafana/dskit/modules"
	"github.com/grafana/dskit/services"
	"github.com/grafana/dskit/user"
	"github.com/grafana/loki/v3/pkg/loki"
	"github.com/grafana/loki/v3/pkg/validation"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// engine is one run of Loki's modules.
type engine struct {
	cfg      *Config
	registry *prometheus.Registry
	loki     *loki.Loki
	manager  *services.Manager
	handler  http.Handler
	failed   chan error
	compacts bool   // or is not to
	address  string // in the ring of a cluster
	queries  queryGate
}

// allModules are those of Loki's target "all" without its UI.
var allModules = []string{
	loki.QueryScheduler, loki.QueryFrontend, loki.Querier, loki.Ingester, loki.PatternIngester, loki.Distributor,
	loki.Ruler, loki.Compactor,
}

// engines counts starts, to give each engine its own socket name.
var engines atomic.Int64

// newEngine creates Loki's modules, without the compactor if it is not to compact. It binds a loopback port for their calls to each
// other. The error is errCompactor if only the compactor cannot be created.
func newEngine(s *Server, cfg *Config, limits *cappedLimits, compacts bool) (*engine, error) {
	e := &engine{cfg: cfg, registry: prometheus.NewRegistry(), failed: make(chan error, 1), compacts: compacts}
	c := cfg.Config // a copy, since modules modify it
	e.listenInside(&c, s.logger)
	e.pushDirectly(&c)
	c.Server.GRPCStreamMiddleware = append(c.Server.GRPCStreamMiddleware, e.queries.stream)
	if cfg.cluster {
		c.Server.GRPCMiddleware = append(c.Server.GRPCMiddleware, s.refusePushesWithoutRoom)
		e.address = ringAddress(cfg)
	}
	s.alerts.adopt(&c.Ruler)

	if engines.Load() > 1 {
		// A compactor that is stopped before it became active leaves this file locked by the process. It only
		// saves repeating work.
		_ = os.Remove(filepath.Join(c.CompactorConfig.WorkingDirectory, "deletion", "series_progress.boltdb"))
	}
	release := useRegistry(e.registry)
	defer release()
	var err error
	e.loki, err = loki.New(c)
	if err != nil {
		return nil, fmt.Errorf("create Loki: %w", err)
	}
	e.loki.PushParserWrapper = parseInProcess
	mm := e.loki.ModuleManager
	mm.RegisterModule(loki.Overrides, func() (services.Service, error) {
		limits.inner = e.loki.TenantLimits
		overrides, err := validation.NewOverrides(e.loki.Cfg.LimitsConfig, limits)
		e.loki.Overrides = overrides
		return nil, err
	}, modules.UserInvisibleModule)
	if err := mm.AddDependency(loki.Overrides, loki.RuntimeConfig); err != nil {
		return nil, err
	}
	if err := errors.Join(e.countChunks(s.cap), e.boundPatterns(), e.queryEverything()); err != nil {
		return nil, err
	}
	targets := []string(c.Target)
	if len(targets) == 1 && targets[0] == loki.All {
		targets = allModules
	}
	if !compacts {
		targets = slices.DeleteFunc(slices.Clone(targets), func(target string) bool { return target == loki.Compactor })
	}
	made, err := mm.InitModuleServices(targets...)
	if err != nil {
		e.closeListeners()
		return nil, asCompactorError(fmt.Errorf("create Loki's modules: %w", err))
	}
	list := make([]services.Service, 0, len(made))
	for _, service := range made {
		list = append(list, service)
	}
	e.manager, err = services.NewManager(list...)
	if err != nil {
		e.closeListeners()
		return nil, fmt.Errorf("create Loki's modules: %w", err)
	}
	e.manager.AddListener(services.NewManagerListener(nil, nil, func(service services.Service) {
		if err := service.FailureCase(); !errors.Is(err, modules.ErrStopProcess) {
			select {
			case e.failed <- fmt.Errorf("Loki's %s: %w", services.DescribeService(service), err):
			default:
			}
		}
	}))
	grpc_health_v1.RegisterHealthServer(e.loki.Server.GRPC, grpcutil.NewHealthCheck(e.manager))
	e.serveHTTP()
	return e, nil
}

// listenInside prevents Loki from listening where others can reach it: HTTP is served by our server, and gRPC,
// which the modules need even in a single process, accepts only connections from this process. In a cluster,
// gRPC remains as configured in the file.
func (e *engine) listenInside(c *loki.Config, logger log.Logger) {
	c.Server.Log = logger
	c.Server.Registerer, c.Server.Gatherer = e.registry, e.registry
	c.Server.RegisterInstrumentation = false
	c.Server.HTTPListenNetwork = "unix"
	c.Server.HTTPListenPort = 0
	name := fmt.Sprintf("ausguck-loki-%d-%d", os.Getpid(), engines.Add(1))
	if runtime.GOOS == "linux" {
		c.Server.HTTPListenAddress = "@" + name // only in the kernel: leaves no file behind
	} else {
		c.Server.HTTPListenAddress = filepath.Join(os.TempDir(), name)
	}
	c.Server.GRPCServerMaxRecvMsgSize = max(c.Server.GRPCServerMaxRecvMsgSize, 64<<20)
	c.Server.GRPCServerMaxSendMsgSize = max(c.Server.GRPCServerMaxSendMsgSize, 64<<20)
	if e.cfg.cluster {
		return
	}
	c.Server.GRPCListenNetwork = "tcp4"
	c.Server.GRPCListenAddress = "127.0.0.1"
	c.Server.GRPCListenPort = 0
	if runtime.GOOS == "linux" {
		c.Server.GRPCOptions = append(c.Server.GRPCOptions, grpc.Creds(ownProcessOnly{}))
	}
}

// serveHTTP takes over Loki's handler and leaves nothing on the listener of Loki's own server.
func (e *engine) serveHTTP() {
	e.handler = e.loki.Server.HTTPServer.Handler
	e.loki.Server.HTTPServer.Handler = http.NotFoundHandler()
}

// closeListeners closes what initServer bound if creating a later module fails.
func (e *engine) closeListeners() {
	if e.loki != nil && e.loki.Server != nil {
		e.loki.Server.Shutdown()
	}
}

// start runs the modules and returns when lines can be stored and queried.
func (e *engine) start(ctx context.Context) error {
	release := useRegistry(e.registry)
	defer release()
	if err := e.manager.StartAsync(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start Loki: %w", err)
	}
	if err := e.manager.AwaitHealthy(ctx); err != nil {
		select {
		case failed := <-e.failed:
			return fmt.Errorf("start Loki: %w", failed)
		default:
			return fmt.Errorf("start Loki: %w", err)
		}
	}
	for wait := time.NewTicker(10 * time.Millisecond); ; {
		err := e.ready(ctx)
		if err == nil {
			wait.Stop()
			return nil
		}
		select {
		case <-wait.C:
		case failed := <-e.failed:
			return fmt.Errorf("start Loki: %w", failed)
		case <-ctx.Done():
			return fmt.Errorf("start Loki: %w; %w", ctx.Err(), err)
		}
	}
}

// ready checks the modules, and sends one query through all of them. The query is about a time before every period of the
// schema, so that it needs no object store: lines are accepted even if that is unreachable when Loki starts.
func (e *engine) ready(ctx context.Context) error {
	if e.loki.Ingester == nil {
		return nil // a cluster member without an ingester
	}
	if err := e.loki.Ingester.CheckReady(ctx); err != nil {
		return err
	}
	if p := e.loki.PatternIngester; p != nil {
		if err := p.CheckReady(ctx); err != nil {
			return err
		}
	}
	if e.cfg.cluster {
		return nil // a query needs the other members, which may wait for this one
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://loki/loki/api/v1/labels?"+url.Values{"start": {"1000000000"}, "end": {"1000000001"}}.Encode(), nil)
	if err != nil {
		return err
	}
	r.Header.Set(user.OrgIDHeaderName, defaultTenant)
	answer := &answer{header: http.Header{}}
	e.handler.ServeHTTP(answer, r)
	if answer.code != http.StatusOK && answer.code != 0 {
		return fmt.Errorf("labels: %s", answer)
	}
	return nil
}

// stop stops the modules; what is in memory is in the write-ahead log.
func (e *engine) stop(ctx context.Context) error {
	grace, cancel := context.WithTimeout(ctx, queryGrace)
	defer cancel()
	e.queries.close(grace)
	e.manager.StopAsync()
	if err := e.manager.AwaitStopped(ctx); err != nil {
		return fmt.Errorf("stop Loki: %w", err)
	}
	return nil
}
