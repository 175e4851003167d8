import { DataFrameType, FieldType, type DataFrame, type Field } from '@grafana/data';

import { bucketFrame, nativeHistogramFrame } from './heatmap';
import { legendOf } from './legend';
import type { Labels, MatrixSeries, PreparedQuery, PromData, Sample, VectorSeries } from './types';

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

/** The answer of one query as data frames; `several` says that the panel has more than one table. */
export function framesOf(data: PromData, query: PreparedQuery, several: boolean): DataFrame[] {
  const series = seriesOf(data);
  if (query.format === 'table') {
    return [tableFrame(series, query, several)];
  }
  if (query.format === 'heatmap') {
    const native = series.filter((s) => s.histograms?.length);
    return native.length > 0 ? [nativeHistogramFrame(native, query)] : [bucketFrame(series, query)];
  }
  return series.flatMap((s) => (s.histograms?.length ? [nativeHistogramFrame([s], query)] : [seriesFrame(s, query)]));
}

function seriesOf(data: PromData): MatrixSeries[] {
  switch (data.resultType) {
    case 'matrix':
      return data.result;
    case 'vector':
      return data.result.map((v: VectorSeries) => ({
        metric: v.metric, values: v.value && [v.value], histograms: v.histogram && [v.histogram],
      }));
    case 'scalar':
    case 'string':
      return [{ metric: {}, values: [data.result as Sample] }];
  }
}

export function timeField(times: number[], stepSeconds?: number): Field {
  return { name: 'Time', type: FieldType.time, config: stepSeconds ? { interval: stepSeconds * 1000 } : {}, values: times };
}

function seriesFrame(series: MatrixSeries, query: PreparedQuery): DataFrame {
  const samples = series.values ?? [];
  const times = new Array<number>(samples.length);
  const values = new Array<number>(samples.length);
  for (let i = 0; i < samples.length; i++) {
    times[i] = samples[i]![0] * 1000;
    values[i] = parseValue(samples[i]![1]);
  }
  const { __name__: name, ...labels } = series.metric;
  const legend = legendOf(query.legendFormat, series.metric, query.expr);
  return {
    refId: query.refId, name: legend,
    meta: { type: DataFrameType.TimeSeriesMulti, typeVersion: [0, 1], custom: { resultType: query.range ? 'matrix' : 'vector' }, executedQueryString: executed(query) },
    fields: [
      timeField(times, query.range ? query.step : undefined),
      { name: name ?? 'Value', type: FieldType.number, labels, config: legend === undefined ? {} : { displayNameFromDS: legend }, values },
    ],
    length: samples.length,
  };
}

export function executed(query: PreparedQuery): string {
  return `Expr: ${query.expr}\nStep: ${query.step}s`;
}

/** One row per sample: Time, each label, the value. */
function tableFrame(series: MatrixSeries[], query: PreparedQuery, several: boolean): DataFrame {
  const names = labelNames(series);
  const times: number[] = [];
  const columns = names.map(() => [] as string[]);
  const values: number[] = [];
  for (const s of series) {
    for (const [time, value] of s.values ?? []) {
      times.push(time * 1000);
      names.forEach((name, i) => columns[i]!.push(s.metric[name] ?? ''));
      values.push(parseValue(value));
    }
  }
  const valueName = several ? `Value #${query.refId}` : 'Value';
  return {
    refId: query.refId,
    meta: { preferredVisualisationType: 'table', custom: { resultType: query.range ? 'matrix' : 'vector' }, executedQueryString: executed(query) },
    fields: [
      timeField(times),
      ...names.map((name, i): Field => ({ name, type: FieldType.string, config: { filterable: true }, values: columns[i]! })),
      { name: valueName, type: FieldType.number, config: {}, values },
    ],
    length: values.length,
  };
}

function labelNames(series: Array<{ metric: Labels }>): string[] {
  const names = new Set<string>();
  for (const s of series) {
    Object.keys(s.metric).forEach((name) => names.add(name));
  }
  return [...names].sort();
}
