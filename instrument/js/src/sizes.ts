import type { Metric, MetricObjectWithValues, MetricType, MetricValueWithName, Registry } from 'prom-client';

/** The upper bounds for the sizes of bodies, in bytes. */
const sizeBuckets = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000] as const;
/** The same as values of the label le, as client_golang writes them. */
const sizeLabels = ['100', '1000', '10000', '100000', '1e+06', '1e+07', '1e+08', '+Inf'] as const;

/** Sizes is a histogram of the sizes of bodies. */
export class Sizes {
  sum = 0;
  /** Not cumulative; the last one counts sizes above all bounds. */
  readonly buckets = new Array<number>(sizeBuckets.length + 1).fill(0);

  observe(size: number): void {
    let i = 0;
    while (i < sizeBuckets.length && size > sizeBuckets[i]!) {
      i++;
    }
    this.buckets[i]!++;
    this.sum += size;
  }
}

type Labels = Record<string, string>;

/**
 * registerSizes exports the histograms that rows yields. A Histogram of prom-client would look the labels up again at each
 * observation, which costs more than the rest of the measurement.
 */
export function registerSizes(register: Registry, name: string, help: string, rows: () => Iterable<readonly [Labels, Sizes]>): void {
  const about = { name, help, type: 'histogram' as unknown as MetricType.Histogram, aggregator: 'sum' as const, collect() {} };
  const metric = {
    ...about,
    async get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
      const values: Array<MetricValueWithName<string>> = [];
      for (const [labels, sizes] of rows()) {
        let count = 0;
        for (const [i, n] of sizes.buckets.entries()) {
          count += n;
          values.push({ metricName: `${name}_bucket`, labels: { le: sizeLabels[i]!, ...labels }, value: count });
        }
        values.push({ metricName: `${name}_sum`, labels, value: sizes.sum }, { metricName: `${name}_count`, labels, value: count });
      }
      return { ...about, values };
    },
    reset(): void {
      for (const [, sizes] of rows()) {
        sizes.sum = 0;
        sizes.buckets.fill(0);
      }
    },
  };
  register.registerMetric(metric as unknown as Metric);
}
