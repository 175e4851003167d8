import { dateTime, rangeUtil, type RawTimeRange } from '@grafana/data';

import { nameOf, uidOf } from './sources';

/**
 * A query in the format of the URL parameters of Prometheus's own page: g0.expr, g0.tab and so on, without "g0.". The
 * additional parameter source selects a data source other than the built-in Prometheus.
 */
export type QueryState = Record<string, string>;

export type Tab = 'graph' | 'table' | 'explain';

/** Parses the queries of a URL. The result is never empty. */
export function queriesOf(params: URLSearchParams): QueryState[] {
  const found: QueryState[] = [];
  for (const [key, value] of params) {
    const [, number, name] = /^g(\d{1,2})\.(\w+)$/.exec(key) ?? [];
    if (number !== undefined && name !== undefined) {
      (found[Number(number)] ??= {})[name] = value;
    }
  }
  const queries = found.filter(() => true); // gaps in the numbering leave holes
  return queries.length > 0 ? queries : [{ expr: '' }];
}

export function paramsOf(queries: QueryState[]): URLSearchParams {
  const params = new URLSearchParams();
  queries.forEach((query, i) => Object.entries(query).forEach(([name, value]) => value !== '' && params.set(`g${i}.${name}`, value)));
  return params;
}

export function tabOf({ tab }: QueryState): Tab {
  return tab === '1' || tab === 'table' ? 'table' : tab === 'explain' ? 'explain' : 'graph';
}

interface Pane {
  datasource?: string | { type?: string; uid?: string };
  queries?: Array<{ expr?: string; datasource?: Pane['datasource'] }>;
  range?: { from?: string; to?: string };
}

/** The queries in a URL of Grafana's Explore: panes={…}, or left={…}, which the Loki ruler also uses. */
export function queriesOfExplore(params: URLSearchParams): QueryState[] {
  let panes: Pane[];
  try {
    panes = params.has('panes') ? (Object.values(JSON.parse(params.get('panes')!) as object) as Pane[]) : [JSON.parse(params.get('left') ?? '{}') as Pane];
  } catch {
    return [];
  }
  return panes.flatMap((pane) =>
    (Array.isArray(pane?.queries) ? pane.queries : [])
      .filter((q) => typeof q?.expr === 'string')
      .map((q): QueryState => {
        const source = q.datasource ?? pane.datasource ?? 'loki'; // only the Loki ruler omits it
        const { type = '', uid = '' } = typeof source === 'string' ? { type: source, uid: source } : source;
        const known = uidOf(uid);
        const name = known ? nameOf(known) : /loki/i.test(type) ? 'loki' : '';
        const { from, to } = pane.range ?? {};
        return { expr: q.expr!, tab: '0', ...(name !== '' && { source: name }), ...inputsOfTexts(from, to) };
      })
  );
}

/** Accepts strings such as now-6h, or milliseconds since 1970. */
function inputsOfTexts(from = 'now-1h', to = 'now'): QueryState {
  const time = (text: string) => (/^\d+$/.test(text) ? dateTime(Number(text)) : text);
  const { range_input, end_input } = inputsOf({ from: time(String(from)), to: time(String(to)) });
  return { range_input, ...(end_input && { end_input }) };
}

const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Parses a duration such as 1h30m into seconds; undefined if it is invalid. */
export function secondsOf(duration: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(duration)) {
    return Number(duration) || undefined;
  }
  if (!/^(\d+(ms|[smhdwy]))+$/.test(duration)) {
    return undefined;
  }
  return [...duration.matchAll(/(\d+)(ms|[smhdwy])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit!]!, 0) || undefined;
}

/** Formats a duration in Prometheus's syntax: 5400 is 1h30m. */
export function durationOf(seconds: number): string {
  let rest = Math.max(1, Math.round(seconds));
  let text = '';
  for (const unit of ['w', 'd', 'h', 'm', 's']) {
    const whole = Math.floor(rest / units[unit]!);
    // Use weeks only if there is no remainder: 8d is clearer than 1w1d.
    if (whole > 0 && (unit !== 'w' || rest % units['w']! === 0)) {
      text += `${whole}${unit}`;
      rest -= whole * units[unit]!;
    }
  }
  return text;
}

/** The time range of a query in Grafana's syntax. */
export function rangeOf({ range_input, end_input }: QueryState): { from: string; to: string } {
  const seconds = secondsOf(range_input ?? '') ?? 3600;
  const end = timeOf(end_input);
  if (end !== undefined) {
    return { from: new Date(end - seconds * 1000).toISOString(), to: new Date(end).toISOString() };
  }
  const text = durationOf(seconds);
  return { from: `now-${[...text.matchAll(/\d+[wdhms]/g)].join('-')}`, to: 'now' };
}

/** Converts a selected time range to the format of Prometheus's page, where times are UTC. */
export function inputsOf(raw: RawTimeRange): { range_input: string; end_input: string } {
  const { from, to } = rangeUtil.convertRawToRange(raw);
  const range_input = durationOf(to.diff(from, 'ms') / 1000);
  return { range_input, end_input: raw.to === 'now' ? '' : dateTime(to).utc().format('YYYY-MM-DD HH:mm:ss') };
}

/** The evaluation time of a query's table in milliseconds; undefined means now. */
export function momentOf({ moment_input, end_input }: QueryState): number | undefined {
  return timeOf(moment_input) ?? timeOf(end_input);
}

/** Parses a time in the format of Prometheus's page, 2026-11-24 03:00:00 in UTC, into milliseconds. */
function timeOf(text = ''): number | undefined {
  const time = Date.parse(text.trim().replace(' ', 'T').replace(/Z?$/, 'Z'));
  return Number.isNaN(time) ? undefined : time;
}
