import { dateTime, rangeUtil, type RawTimeRange } from '@grafana/data';

import { nameOf, uidOf } from './sources';

/**
 * One query of the page, as Prometheus's own page writes it into the address: g0.expr, g0.tab and so on, without "g0.".
 * What Prometheus does not have is source, for another data source than the Prometheus that is inside.
 */
export type QueryState = Record<string, string>;

export type Tab = 'graph' | 'table' | 'explain';

/** Reads the queries of an address. There is always one. */
export function queriesOf(params: URLSearchParams): QueryState[] {
  const found: QueryState[] = [];
  for (const [key, value] of params) {
    const [, number, name] = /^g(\d{1,2})\.(\w+)$/.exec(key) ?? [];
    if (number !== undefined && name !== undefined) {
      (found[Number(number)] ??= {})[name] = value;
    }
  }
  const queries = found.filter(() => true); // numbers that were left out leave holes
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

/** The queries of an address of Grafana's Explore, whose left={…} the ruler of Loki writes as well, or panes={…}. */
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
        const source = q.datasource ?? pane.datasource ?? 'loki'; // only Loki's ruler leaves it out
        const { type = '', uid = '' } = typeof source === 'string' ? { type: source, uid: source } : source;
        const known = uidOf(uid);
        const name = known ? nameOf(known) : /loki/i.test(type) ? 'loki' : '';
        const { from, to } = pane.range ?? {};
        return { expr: q.expr!, tab: '0', ...(name !== '' && { source: name }), ...inputsOfTexts(from, to) };
      })
  );
}

/** Texts such as now-6h, or milliseconds since 1970. */
function inputsOfTexts(from = 'now-1h', to = 'now'): QueryState {
  const time = (text: string) => (/^\d+$/.test(text) ? dateTime(Number(text)) : text);
  const { range_input, end_input } = inputsOf({ from: time(String(from)), to: time(String(to)) });
  return { range_input, ...(end_input && { end_input }) };
}

const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Seconds of a duration such as 1h30m; undefined when it is none. */
export function secondsOf(duration: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(duration)) {
    return Number(duration) || undefined;
  }
  if (!/^(\d+(ms|[smhdwy]))+$/.test(duration)) {
    return undefined;
  }
  return [...duration.matchAll(/(\d+)(ms|[smhdwy])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit!]!, 0) || undefined;
}

/** A duration as Prometheus writes it: 5400 is 1h30m. */
export function durationOf(seconds: number): string {
  let rest = Math.max(1, Math.round(seconds));
  let text = '';
  for (const unit of ['w', 'd', 'h', 'm', 's']) {
    const whole = Math.floor(rest / units[unit]!);
    // Weeks only when nothing is left: 8d says more than 1w1d.
    if (whole > 0 && (unit !== 'w' || rest % units['w']! === 0)) {
      text += `${whole}${unit}`;
      rest -= whole * units[unit]!;
    }
  }
  return text;
}

/** The time range of a query in Grafana's words. */
export function rangeOf({ range_input, end_input }: QueryState): { from: string; to: string } {
  const seconds = secondsOf(range_input ?? '') ?? 3600;
  const end = timeOf(end_input);
  if (end !== undefined) {
    return { from: new Date(end - seconds * 1000).toISOString(), to: new Date(end).toISOString() };
  }
  const text = durationOf(seconds);
  return { from: `now-${[...text.matchAll(/\d+[wdhms]/g)].join('-')}`, to: 'now' };
}

/** A time range that was picked, as Prometheus's page has it. Times there are UTC. */
export function inputsOf(raw: RawTimeRange): { range_input: string; end_input: string } {
  const { from, to } = rangeUtil.convertRawToRange(raw);
  const range_input = durationOf(to.diff(from, 'ms') / 1000);
  return { range_input, end_input: raw.to === 'now' ? '' : dateTime(to).utc().format('YYYY-MM-DD HH:mm:ss') };
}

/** Milliseconds for which the table of a query is asked; undefined is now. */
export function momentOf({ moment_input, end_input }: QueryState): number | undefined {
  return timeOf(moment_input) ?? timeOf(end_input);
}

/** Milliseconds of a time as Prometheus's page writes it: 2026-11-24 03:00:00, in UTC. */
function timeOf(text = ''): number | undefined {
  const time = Date.parse(text.trim().replace(' ', 'T').replace(/Z?$/, 'Z'));
  return Number.isNaN(time) ? undefined : time;
}
