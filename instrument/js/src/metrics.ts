import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics as collect } from 'prom-client';

import { Recorder, type Sink } from './recorder.js';
import { SeriesTable, routeUnknown } from './series.js';
import { registerSizes } from './sizes.js';

/** The default limit of combinations of method, route and status. */
export const defaultMaxSeries = 1000;

/** The upper bounds of http_request_duration_seconds, in seconds. */
export const durationBuckets: readonly number[] = [0.1, 0.3, 0.5, 0.7, 1, 3, 5, 7, 10];

/** The upper bounds of the durations of calls, in seconds. */
export const callBuckets: readonly number[] = [0.1, 0.5, 1, 2, 5, 10, 30];

/** Options of Metrics. All have defaults. */
export interface Options {
  /** Name of the service in service_info; default: the name in package.json if npm started the service. */
  service?: string;
  /** Version in service_info; default: that in package.json if npm started the service. */
  version?: string;
  /** Revision in service_info; default: empty. */
  revision?: string;
  /** Upper bounds of http_request_duration_seconds in seconds; default durationBuckets. */
  buckets?: readonly number[];
  /** Combinations of method, route and status; default defaultMaxSeries. */
  maxSeries?: number;
  /** Methods to distinguish, in addition to those of RFC 9110 and PATCH; all others are "other". */
  methods?: readonly string[];
  /** Path of the metrics; default /metrics. With false, they are only where serve is. */
  metricsPath?: string | false;
  /** Default: a new one. */
  register?: Registry;
  /** Is told of metrics that cannot be collected; default: nobody. */
  onError?: (error: unknown) => void;
}

const requestLabels = ['method', 'route', 'status'] as const;

/** Metrics measures one HTTP service. It has its own registry; there is no global state. */
export class Metrics {
  readonly register: Registry;
  /** Observed by the plugins; do not observe it yourself, too. */
  readonly httpRequestDuration: Histogram<(typeof requestLabels)[number]>;
  /** Increased by the plugins; do not increase it yourself, too. */
  readonly httpRequestCount: Counter<(typeof requestLabels)[number]>;
  readonly metricsPath: string | false;
  /** @internal What the plugins report to. */
  readonly sink: Sink;
  readonly #onError: (error: unknown) => void;
  #adoWebhookCount: Counter<'event_type' | 'status'> | undefined;
  #orchestratorCallDuration: Histogram | undefined;

  /** Throws if the buckets do not rise, or if options.register has metrics with the same names. */
  constructor(options: Options = {}) {
    const buckets = [...(options.buckets ?? durationBuckets)];
    if (buckets.some((bound, i) => !(bound > (buckets[i - 1] ?? -Infinity)))) {
      throw new Error(`instrument: buckets do not rise: ${buckets.join(', ')}`);
    }
    const register = (this.register = options.register ?? new Registry());
    const registers = [register];
    this.metricsPath = options.metricsPath ?? '/metrics';
    this.#onError = options.onError ?? (() => {});

    const overflow = new Counter({
      name: 'http_requests_overflow_total',
      help: 'HTTP requests that are counted under route overflow because there are too many series',
      registers,
    });
    const panics = new Counter({ name: 'http_panics_total', help: 'HTTP requests whose handler panicked', registers });
    const table = new SeriesTable(options.maxSeries ?? defaultMaxSeries, options.methods ?? [], () => overflow.inc());
    this.httpRequestDuration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of HTTP requests in seconds',
      labelNames: requestLabels,
      buckets,
      registers,
    });
    this.httpRequestCount = new Counter({
      name: 'http_requests_total',
      help: 'Total number of HTTP requests',
      labelNames: requestLabels,
      registers,
      collect() {
        for (const series of table.all()) {
          this.inc(series.labels, series.requests);
          series.requests = 0;
        }
      },
    });
    registerSizes(register, 'http_request_size_bytes', 'Size of the bodies of HTTP requests in bytes', function* () {
      for (const { labels, received } of table.sizes()) {
        yield [labels, received];
      }
    });
    registerSizes(register, 'http_response_size_bytes', 'Size of the bodies of HTTP answers in bytes', function* () {
      for (const { labels, sent } of table.sizes()) {
        yield [labels, sent];
      }
    });
    let inFlight = 0;
    new Gauge({
      name: 'http_requests_in_flight',
      help: 'HTTP requests being served now',
      registers,
      collect() {
        this.set(inFlight);
      },
    });
    serviceInfo(options, register);
    collectDefaultMetrics({ register });

    const durations = this.httpRequestDuration;
    this.sink = {
      begun: () => inFlight++,
      ended: () => inFlight--,
      panicked: () => panics.inc(),
      count(method, route, status, durationSeconds, received, sent) {
        const series = table.find(method, route, status);
        series.requests++;
        if (durationSeconds !== undefined) {
          durations.observe(series.labels, durationSeconds);
          series.received.observe(received);
          series.sent.observe(sent);
        }
      },
    };
  }

  /** ado_webhooks_total of the original metrics.ts. The first use registers it. */
  get adoWebhookCount(): Counter<'event_type' | 'status'> {
    return (this.#adoWebhookCount ??= new Counter({
      name: 'ado_webhooks_total',
      help: 'Total ADO webhooks received',
      labelNames: ['event_type', 'status'],
      registers: [this.register],
    }));
  }

  /** orchestrator_call_duration_seconds of the original metrics.ts. The first use registers it. */
  get orchestratorCallDuration(): Histogram {
    return (this.#orchestratorCallDuration ??= new Histogram({
      name: 'orchestrator_call_duration_seconds',
      help: 'Duration of calls to orchestrator service',
      buckets: [...callBuckets],
      registers: [this.register],
    }));
  }

  /**
   * handler measures the requests to a listener of node:http, and serves metricsPath itself; those requests are not measured.
   *
   *     createServer(metrics.handler((req, res) => res.end('ok'))).listen(3001);
   *
   * The route is the one that was passed to setRoute, otherwise "unknown". What the listener throws, or rejects with, counts as
   * status 500 and goes on.
   */
  handler(listener: RequestListener): RequestListener {
    return (req, res) => {
      if (this.isMetricsPath(req.url)) {
        this.serve(req, res);
        return;
      }
      const recorder = Recorder.begin(this.sink, req, res);
      let result: unknown;
      try {
        result = listener(req, res);
      } catch (error) {
        recorder.threw(error);
        throw error;
      }
      if (result instanceof Promise) {
        return result.catch((error: unknown) => {
          recorder.threw(error);
          throw error;
        });
      }
    };
  }

  /**
   * upgrade counts the connections that a listener of the event upgrade takes over, such as websockets, as status 101. They are
   * left out of the durations and of those in flight.
   *
   *     server.on('upgrade', metrics.upgrade((req, socket, head) => sockets.handleUpgrade(req, socket, head, accept)));
   */
  upgrade(
    listener: (req: IncomingMessage, socket: Duplex, head: Buffer) => void,
    route = routeUnknown
  ): (req: IncomingMessage, socket: Duplex, head: Buffer) => void {
    return (req, socket, head) => {
      this.sink.count(req.method ?? '', route, 101, undefined, 0, 0);
      listener(req, socket, head);
    };
  }

  /** serve responds with all metrics of the registry. It is a listener of node:http, for a port of its own too. */
  serve = (req: IncomingMessage, res: ServerResponse): void => {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.writeHead(405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain' }).end('method not allowed\n');
      return;
    }
    void this.text().then((text) => {
      res.writeHead(200, { 'Content-Type': this.register.contentType, 'Content-Length': Buffer.byteLength(text) });
      res.end(req.method === 'HEAD' ? undefined : text);
    });
  };

  /** text returns all metrics of the registry in its format. Those that cannot be collected do not affect the others. */
  async text(): Promise<string> {
    try {
      return await this.register.metrics();
    } catch {
      const parts = this.register.getMetricsAsArray().map(async ({ name }) => {
        try {
          return [await this.register.getSingleMetricAsString(name)];
        } catch (error) {
          this.#onError(error);
          return [];
        }
      });
      return `${(await Promise.all(parts)).flat().join('\n\n')}\n`;
    }
  }

  /** @internal isMetricsPath reports whether a URL is that of the metrics. */
  isMetricsPath(url: string | undefined): boolean {
    const path = this.metricsPath;
    return path !== false && url !== undefined && url.startsWith(path) && (url.length === path.length || url[path.length] === '?');
  }
}

const collected = new WeakSet<Registry>();

/**
 * collectDefaultMetrics adds the metrics of the process and of Node to a registry, unless they are there: nodejs_eventloop_lag_seconds,
 * nodejs_heap_size_used_bytes, nodejs_gc_duration_seconds, process_cpu_seconds_total and so on. Metrics calls it for its own.
 */
export function collectDefaultMetrics({ register }: { register: Registry }): void {
  if (!collected.has(register) && !register.getSingleMetric('process_cpu_seconds_total')) {
    collect({ register });
  }
  collected.add(register);
}

function serviceInfo(options: Options, register: Registry): void {
  const labels = {
    service: options.service ?? process.env['npm_package_name'] ?? 'unknown',
    version: options.version ?? process.env['npm_package_version'] ?? '',
    revision: options.revision ?? '',
  };
  new Gauge({
    name: 'service_info',
    help: '1, with the name and version of the service',
    labelNames: ['service', 'version', 'revision'],
    registers: [register],
  }).set(labels, 1);
}
