import type { MetricFindValue, TimeRange } from '@grafana/data';
import { firstValueFrom } from 'rxjs';

import type { PromClient } from './client';
import { seriesText } from './legend';
import { parseValue, type Labels, type PromData } from './types';

/** The values of a query variable; variables in `query` are already interpolated. */
export async function metricFind(client: PromClient, query: string, range: TimeRange): Promise<MetricFindValue[]> {
  const window = { start: range.from.valueOf() / 1000, end: range.to.valueOf() / 1000 };

  const names = /^label_names\((?:(.+))?\)\s*$/s.exec(query);
  if (names) {
    return texts(await client.get<string[]>('labels', { ...window, 'match[]': matcher(names[1]) }));
  }
  const values = splitLabelValues(query);
  if (values) {
    return texts(await client.get<string[]>(`label/${encodeURIComponent(labelName(values.label))}/values`, { ...window, 'match[]': matcher(values.selector) }));
  }
  const metrics = /^metrics\((.*)\)\s*$/s.exec(query);
  if (metrics) {
    const filter = new RegExp(metrics[1]!.trim());
    return texts((await client.get<string[]>('label/__name__/values', window)).filter((name) => filter.test(name)));
  }
  const result = /^query_result\((.+)\)\s*$/s.exec(query);
  if (result) {
    return queryResult(client, result[1]!, window.end);
  }
  const series = await client.get<Labels[]>('series', { ...window, 'match[]': query });
  return texts(series.map(seriesText));
}

/** Parses label_values(label) and label_values(selector, label); the selector may contain commas and parentheses. */
export function splitLabelValues(query: string): { selector?: string; label: string } | undefined {
  const inner = /^\s*label_values\(([\s\S]*)\)\s*$/.exec(query)?.[1];
  if (inner === undefined) {
    return undefined;
  }
  const found = /^(?:([\s\S]+),)?\s*("(?:[^"\\]|\\.)*"|[^\s,"{}()]+)\s*$/.exec(inner);
  if (!found) {
    return undefined;
  }
  const selector = found[1]?.trim();
  return { selector: selector === '' ? undefined : selector, label: found[2]! };
}

/** A quoted name may contain any characters; the API has its own escaping for them. */
function labelName(name: string): string {
  if (!name.startsWith('"')) {
    return name;
  }
  const plain = name.slice(1, -1).replace(/\\(.)/g, '$1');
  return `U__${[...plain].map((c) => (/[A-Za-z0-9:]/.test(c) ? c : c === '_' ? '__' : `_${c.codePointAt(0)!.toString(16)}_`)).join('')}`;
}

function matcher(selector: string | undefined): string | undefined {
  const text = selector?.trim();
  return text ? text : undefined;
}

async function queryResult(client: PromClient, expr: string, time: number): Promise<MetricFindValue[]> {
  const { data } = await firstValueFrom(client.post<PromData>('query', { query: expr, time }));
  switch (data.resultType) {
    case 'vector':
      return data.result.map((r) => ({ text: `${seriesText(r.metric)} ${r.value?.[1] ?? ''} ${(r.value?.[0] ?? 0) * 1000}` }));
    case 'scalar':
    case 'string':
      return [{ text: String(data.resultType === 'scalar' ? parseValue(data.result[1]) : data.result[1]) }];
    default:
      throw new Error(`query_result() needs an instant vector or a scalar, the answer is a ${data.resultType}`);
  }
}

function texts(values: string[]): MetricFindValue[] {
  return values.map((text) => ({ text }));
}
