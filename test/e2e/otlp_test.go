package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// sdkErrors collects the errors that the SDK reports.
type sdkErrors struct {
	mtx  sync.Mutex
	told []string
}

func (e *sdkErrors) Handle(err error) {
	e.mtx.Lock()
	defer e.mtx.Unlock()
	e.told = append(e.told, err.Error())
}

func (e *sdkErrors) String() string {
	e.mtx.Lock()
	defer e.mtx.Unlock()
	return strings.Join(e.told, "\n")
}

// instrumented is a service instrumented with the Go SDK, as configured by its environment: a counter, a log line and
// a span.
func instrumented(t *testing.T, service string) {
	t.Helper()
	ctx := t.Context()
	about := resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.instance.id", "one"))
	reader, err := autoexport.NewMetricReader(ctx)
	require.NoError(t, err)
	lines, err := autoexport.NewLogExporter(ctx)
	require.NoError(t, err)
	spans, err := autoexport.NewSpanExporter(ctx)
	require.NoError(t, err)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(about))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(lines)), sdklog.WithResource(about))
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans), sdktrace.WithResource(about))

	orders, err := meters.Meter("shop").Int64Counter("orders")
	require.NoError(t, err)
	orders.Add(ctx, 3)
	var record log.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(log.SeverityError)
	record.SetBody(attribute.StringValue("card declined"))
	record.AddAttributes(attribute.Int("order.id", 7))
	loggers.Logger("shop").Emit(ctx, record)
	_, span := tracers.Tracer("shop").Start(ctx, "checkout")
	span.End()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	require.NoError(t, meters.Shutdown(ctx))
	require.NoError(t, loggers.Shutdown(ctx))
	require.NoError(t, tracers.Shutdown(ctx)) // rejected spans are reported separately
}

// An SDK is configured with one address, and what it sends is available.
func TestOneAddressForOpenTelemetry(t *testing.T) {
	const host = "127.0.35.1"
	s := launchAt(t, host+":3000", append([]string{
		"--config.dir=" + configDir(t, map[string]string{"prometheus.yml": quietConfig}), "--storage.path=" + t.TempDir(), "--web.listen-address=" + host + ":3000",
	}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	told := &sdkErrors{}
	otel.SetErrorHandler(told)
	for service, env := range map[string][]string{
		"http": {"http://" + host + ":4318", "http/protobuf"},
		"grpc": {"http://" + host + ":4317", "grpc"},
		// Each port accepts the other's protocol, as they are easily confused.
		"http-on-grpc": {"http://" + host + ":4317", "http/protobuf"},
		"grpc-on-http": {"http://" + host + ":4318", "grpc"},
		"main":         {"http://" + host + ":3000", "http/protobuf", "Authorization=Basic%20" + url.QueryEscape(strings.TrimPrefix(as("admin", adminPassword)["Authorization"], "Basic "))},
	} {
		t.Run(service, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", env[0])
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", env[1])
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", strings.Join(env[2:], ","))
			t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
			instrumented(t, service)
			require.EqualValues(t, 3, s.value(t, fmt.Sprintf(`orders_total{job=%q, instance="one"}`, service)))
			found := s.lines(t, fmt.Sprintf(`{service_name=%q, service_instance_id="one"} | order_id="7" | detected_level="error"`, service))
			require.Equal(t, []string{"card declined"}, found)
		})
	}
	require.Contains(t, told.String(), "Ausguck does not store traces")
	t.Run("JavaScript", func(t *testing.T) { // it sends JSON
		require.DirExists(t, "../otlpjs/node_modules", "run `make test`, or `npm install` in test/otlpjs")
		cmd := exec.CommandContext(t.Context(), "node", "service.js")
		cmd.Dir = "../otlpjs"
		cmd.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+host+":4318")
		said, err := cmd.CombinedOutput()
		require.NoError(t, err, string(said))
		require.Contains(t, string(said), "Ausguck does not store traces")
		require.EqualValues(t, 3, s.value(t, `orders_total{job="js", instance="one"}`))
		require.Equal(t, []string{"card declined"}, s.lines(t, `{service_name="js", service_instance_id="one"} | order_id="7" | detected_level="error"`))
	})
	metrics := s.get(t, "/metrics")
	require.Contains(t, metrics, "\nausguck_otlp_spans_rejected_total 6\n")
	require.Contains(t, metrics, "\nausguck_otlp_requests_total{code=\"200\",protocol=\"grpc\",signal=\"logs\"} 2\n")
}

// A rejected gRPC call gets the reason, with codes that its client knows.
func TestRefusalsByGRPC(t *testing.T) {
	t.Parallel()
	const host = "127.0.35.2"
	s := launchAt(t, host+":3000", append([]string{
		"--config.dir=" + configDir(t, map[string]string{"prometheus.yml": quietConfig}), "--storage.path=" + t.TempDir(), "--web.listen-address=" + host + ":3000",
		"--web.well-known-ports=authenticated",
	}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	conn, err := grpc.NewClient(host+":4317", grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	call := func(method string, options ...grpc.CallOption) *status.Status {
		err := conn.Invoke(t.Context(), method, &grpc_health_v1.HealthCheckRequest{}, &grpc_health_v1.HealthCheckResponse{}, options...)
		return status.Convert(err)
	}
	require.Equal(t, codes.OK, call(grpc_health_v1.Health_Check_FullMethodName).Code(), "without credentials")
	const export = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
	refused := call(export)
	require.Equal(t, codes.Unauthenticated, refused.Code(), refused)
	require.Equal(t, "Unauthorized", refused.Message())
	asAdmin := grpc.PerRPCCredentials(header{"authorization": as("admin", adminPassword)["Authorization"]})
	require.Equal(t, codes.OK, call(export, asAdmin).Code())
	unknown := call("/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", asAdmin)
	require.Equal(t, codes.Unimplemented, unknown.Code(), unknown)
	require.Equal(t, "exports of metrics, logs and traces are taken here, and nothing else", unknown.Message())
}

// header is sent with every call.
type header map[string]string

func (h header) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return h, nil
}
func (header) RequireTransportSecurity() bool { return false }

// With TLS, the main address accepts gRPC, too, and so do the ports, with the same certificate.
func TestGRPCWithTLS(t *testing.T) {
	t.Parallel()
	const host = "127.0.35.3"
	ours := newAuthority(t)
	_, cert, key := ours.issue(t, time.Now().Add(time.Hour))
	config := configDir(t, map[string]string{
		"prometheus.yml": quietConfig, "server.crt": string(cert), "server.key": string(key),
		"web.yml": "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n",
	})
	launchAt(t, host+":3000", append([]string{"--config.dir=" + config, "--storage.path=" + t.TempDir(), "--web.listen-address=" + host + ":3000"}, metricsOnly...)...)
	roots := x509.NewCertPool()
	roots.AddCert(ours.cert)
	for _, port := range []string{"3000", "4317", "4318"} {
		conn, err := grpc.NewClient(host+":"+port, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})))
		require.NoError(t, err)
		defer conn.Close()
		eventually(t, readyTimeout, func() error {
			return conn.Invoke(t.Context(), "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", &grpc_health_v1.HealthCheckRequest{}, &grpc_health_v1.HealthCheckResponse{},
				grpc.PerRPCCredentials(header{"authorization": as("admin", adminPassword)["Authorization"]}))
		})
	}
}
