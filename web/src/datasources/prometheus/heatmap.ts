import { DataFrameType, FieldType, type DataFrame, type Field } from '@grafana/data';

import { executed, parseValue, timeField } from './frames';
import { renderLegend } from './legend';
import type { MatrixSeries, PreparedQuery } from './types';

/**
 * Classic buckets (series with the label le, each counting all below it) as rows of a heatmap:
 * a field per bucket, in the order of le, each counting only its own.
 */
export function bucketFrame(series: MatrixSeries[], query: PreparedQuery): DataFrame {
  const sorted = [...series].sort((a, b) => upper(a) - upper(b));
  const times = [...new Set(sorted.flatMap((s) => (s.values ?? []).map(([t]) => t)))].sort((a, b) => a - b);
  const index = new Map(times.map((t, i) => [t, i]));
  const rows = sorted.map((s) => {
    const row = new Array<number>(times.length).fill(0);
    for (const [t, v] of s.values ?? []) {
      row[index.get(t)!] = parseValue(v);
    }
    return row;
  });
  const cumulative = sorted.every((s) => s.metric['le'] !== undefined);
  if (cumulative) {
    for (let r = rows.length - 1; r > 0; r--) {
      rows[r] = rows[r]!.map((v, i) => Math.max(0, v - rows[r - 1]![i]!));
    }
  }
  const fields = sorted.map((s, i): Field => {
    const name = query.legendFormat && query.legendFormat !== '__auto' ? renderLegend(query.legendFormat, s.metric) : (s.metric['le'] ?? `${i}`);
    return { name, type: FieldType.number, labels: s.metric, config: {}, values: rows[i]! };
  });
  return {
    refId: query.refId, length: times.length,
    meta: { type: DataFrameType.HeatmapRows, executedQueryString: executed(query) },
    fields: [timeField(times.map((t) => t * 1000), query.step), ...fields],
  };
}

function upper(series: MatrixSeries): number {
  return parseValue(series.metric['le'] ?? 'NaN');
}

/** Native histograms as cells of a heatmap: end of the step, lower and upper bound, count. */
export function nativeHistogramFrame(series: MatrixSeries[], query: PreparedQuery): DataFrame {
  const xMax: number[] = [];
  const yMin: number[] = [];
  const yMax: number[] = [];
  const count: number[] = [];
  for (const s of series) {
    for (const [time, histogram] of s.histograms ?? []) {
      for (const [, low, high, n] of histogram.buckets ?? []) {
        xMax.push(time * 1000);
        yMin.push(parseValue(low));
        yMax.push(parseValue(high));
        count.push(parseValue(n));
      }
    }
  }
  const number = (name: string, values: number[]): Field => ({ name, type: FieldType.number, config: {}, values });
  return {
    refId: query.refId, length: xMax.length,
    meta: { type: DataFrameType.HeatmapCells, executedQueryString: executed(query) },
    fields: [
      { name: 'xMax', type: FieldType.time, config: { interval: query.step * 1000 }, values: xMax },
      number('yMin', yMin), number('yMax', yMax),
      { ...number('count', count), labels: series.length === 1 ? series[0]!.metric : undefined },
    ],
  };
}
