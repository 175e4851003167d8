import { DataTopic, FieldType, type DataFrame, type DataLink } from '@grafana/data';

import { parseValue } from './frames';
import type { Labels, PreparedQuery } from './types';

/** One series of the answer of /api/v1/query_exemplars. */
export interface ExemplarSeries {
  seriesLabels: Labels;
  exemplars: Array<{ labels: Labels; value: string; timestamp: number }>;
}

/** Where the trace of an exemplar is found, as data sources are provisioned for Grafana. */
export interface TraceDestination {
  /** The label that holds the trace's id. */
  name: string;
  url?: string;
  urlDisplayLabel?: string;
}

interface Row {
  time: number;
  value: number;
  labels: Labels;
}

/** Exemplars as the frame that panels draw over their series; a label with a destination becomes a link. */
export function exemplarFrame(series: ExemplarSeries[], query: PreparedQuery, destinations: TraceDestination[] = []): DataFrame | undefined {
  const all = series.flatMap((s) => s.exemplars.map((e): Row => ({ time: e.timestamp * 1000, value: parseValue(e.value), labels: { ...s.seriesLabels, ...e.labels } })));
  if (all.length === 0) {
    return undefined;
  }
  const rows = sample(all, query.step * 1000);
  const names = [...new Set(rows.flatMap((r) => Object.keys(r.labels)))];
  return {
    name: 'exemplar', refId: query.refId, length: rows.length,
    meta: { dataTopic: DataTopic.Annotations, custom: { resultType: 'exemplar' } },
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: rows.map((r) => r.time) },
      { name: 'Value', type: FieldType.number, config: {}, values: rows.map((r) => r.value) },
      ...names.map((name) => ({ name, type: FieldType.string, config: { links: linksOf(name, destinations) }, values: rows.map((r) => r.labels[name] ?? '') })),
    ],
  };
}

/**
 * As many exemplars as a graph can show, chosen as Grafana does: of each step the highest, and of the others those
 * that lie two standard deviations below the one chosen before.
 */
function sample(rows: Row[], step: number): Row[] {
  const mean = rows.reduce((sum, r) => sum + r.value, 0) / rows.length;
  const distance = 2 * Math.sqrt(rows.reduce((sum, r) => sum + (r.value - mean) ** 2, 0) / rows.length);
  const steps = new Map<number, Row[]>();
  for (const row of rows) {
    const at = Math.floor(row.time / step);
    steps.set(at, [...(steps.get(at) ?? []), row]);
  }
  const chosen = [...steps.values()].flatMap((inStep) => {
    let last = Infinity;
    return inStep.sort((a, b) => b.value - a.value).filter(({ value }) => {
      const isFar = last === Infinity || (distance > 0 && last - value >= distance);
      last = isFar ? value : last;
      return isFar;
    });
  });
  return chosen.sort((a, b) => a.time - b.time);
}

function linksOf(label: string, destinations: TraceDestination[]): DataLink[] | undefined {
  const links = destinations.filter((d) => d.name === label && d.url).map((d): DataLink => ({ title: d.urlDisplayLabel || `Go to ${d.url}`, url: d.url!, targetBlank: true }));
  return links.length > 0 ? links : undefined;
}
