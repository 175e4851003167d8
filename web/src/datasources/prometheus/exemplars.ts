import { DataTopic, FieldType, type DataFrame } from '@grafana/data';

import { parseValue } from './frames';
import type { Labels, PreparedQuery } from './types';

/** One series of the answer of /api/v1/query_exemplars. */
export interface ExemplarSeries {
  seriesLabels: Labels;
  exemplars: Array<{ labels: Labels; value: string; timestamp: number }>;
}

/** Exemplars as the frame that time series panels draw over their lines. */
export function exemplarFrame(series: ExemplarSeries[], query: PreparedQuery): DataFrame | undefined {
  const rows = series.flatMap((s) => s.exemplars.map((e) => ({ time: e.timestamp * 1000, value: parseValue(e.value), labels: { ...s.seriesLabels, ...e.labels } })));
  if (rows.length === 0) {
    return undefined;
  }
  rows.sort((a, b) => a.time - b.time);
  const names = [...new Set(rows.flatMap((r) => Object.keys(r.labels)))];
  return {
    name: 'exemplar', refId: query.refId, length: rows.length,
    meta: { dataTopic: DataTopic.Annotations, custom: { resultType: 'exemplar' } },
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: rows.map((r) => r.time) },
      { name: 'Value', type: FieldType.number, config: {}, values: rows.map((r) => r.value) },
      ...names.map((name) => ({ name, type: FieldType.string, config: {}, values: rows.map((r) => (r.labels as Labels)[name] ?? '') })),
    ],
  };
}
