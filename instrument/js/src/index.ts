/**
 * Metrics of HTTP services for Prometheus, with the names, labels and meanings of the Go library in `instrument`.
 *
 * @packageDocumentation
 */
export { Metrics, callBuckets, collectDefaultMetrics, defaultMaxSeries, durationBuckets, type Options } from './metrics.js';
export { setRoute } from './recorder.js';
export { methodOther, routeOverflow, routeUnknown, statusClientGone } from './series.js';
