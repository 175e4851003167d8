import type { DataQuery } from '@grafana/schema';

/** A Prometheus query as stored in dashboards. */
export interface PromQuery extends DataQuery {
  expr: string;
  range?: boolean;
  instant?: boolean;
  exemplar?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
  legendFormat?: string;
  /** Minimum step, such as "30s" or "$__rate_interval". */
  interval?: string;
  intervalFactor?: number;
}

export type Labels = Record<string, string>;

/** [seconds, value as text] */
export type Sample = [number, string];

/** One bucket of a native histogram: boundary rule, lower, upper, count. */
export type Bucket = [number, string, string, string];

/** [seconds, histogram] */
export type HistogramSample = [number, { count: string; sum: string; buckets?: Bucket[] }];

export interface MatrixSeries {
  metric: Labels;
  values?: Sample[];
  histograms?: HistogramSample[];
}

export interface VectorSeries {
  metric: Labels;
  value?: Sample;
  histogram?: HistogramSample;
}

/** The "data" of a response of /api/v1/query or /api/v1/query_range. */
export type PromData =
  { resultType: 'matrix'; result: MatrixSeries[] } | { resultType: 'vector'; result: VectorSeries[] } | { resultType: 'scalar' | 'string'; result: Sample };

export interface PromAnswer<T> {
  status: 'success' | 'error';
  data: T;
  error?: string;
  errorType?: string;
  warnings?: string[];
  infos?: string[];
}

/** "NaN", "+Inf" and "-Inf" are numbers in Prometheus's JSON. */
export function parseValue(text: string): number {
  switch (text) {
    case '+Inf':
    case 'Inf':
      return Infinity;
    case '-Inf':
      return -Infinity;
    default:
      return Number.parseFloat(text);
  }
}
