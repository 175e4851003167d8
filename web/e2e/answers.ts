import type { PanelAnswers } from '../src/dashboard/report';
import type { Program } from './program';

type Frame = PanelAnswers['frames'][number];

/** Samples by series labels (as JSON) and time in milliseconds. */
type Samples = Map<string, Map<number, number>>;

interface Series {
  metric: Record<string, string>;
  values?: Array<[number, string]>;
  value?: [number, string];
}

export interface Comparison {
  /** Number of queries of which every sample matched the API. */
  equal: number;
  /** What only the page or only the API has. */
  different: string[];
  /** Number of queries without an equivalent in the standard API, such as heatmaps, logs and expressions. */
  other: number;
}

/** Runs a panel's queries against the standard HTTP API and compares every sample. */
export async function compareWithApi(program: Program, panel: PanelAnswers): Promise<Comparison> {
  const result: Comparison = { equal: 0, different: [], other: 0 };
  const queries = new Map<string, Frame[]>();
  for (const frame of panel.frames) {
    const query = `${frame.refId}\n${frame.kind}\n${frame.executed}`;
    queries.set(query, [...(queries.get(query) ?? []), frame]);
  }
  for (const frames of queries.values()) {
    const asked = await ask(program, panel, frames[0]!);
    if (!asked) {
      result.other++;
      continue;
    }
    const got = samplesOf(frames);
    const text = difference(got, asked);
    if (text) {
      result.different.push(`${panel.title} ${frames[0]!.refId} (${frames[0]!.executed}): ${text}`);
    } else {
      result.equal++;
    }
  }
  return result;
}

async function ask(program: Program, { from, to }: PanelAnswers, { executed, kind, fields }: Frame): Promise<Samples | undefined> {
  const [, expr, step] = /^Expr: ([\s\S]*)\nStep: (\S+)$/.exec(executed ?? '') ?? [];
  if (!expr || !step || !kind || kind.startsWith('heatmap')) {
    return undefined;
  }
  const query = encodeURIComponent(expr);
  const times = fields.find((f) => f.type === 'time')?.values ?? [];
  if (kind === 'timeseries-multi' || times.some((at) => at !== to)) {
    const ms = milliseconds(step);
    const [start, end] = [Math.floor(from / ms) * ms, Math.floor(to / ms) * ms];
    return samples(await series(program, `/api/v1/query_range?query=${query}&start=${start / 1000}&end=${end / 1000}&step=${ms / 1000}`));
  }
  return fields.length > 0 ? samples(await series(program, `/api/v1/query?query=${query}&time=${to / 1000}`)) : undefined;
}

async function series(program: Program, path: string): Promise<Series[]> {
  const { data } = await program.api<{ data: { resultType: string; result: Series[] | [number, string] } }>(path);
  return data.resultType === 'scalar' ? [{ metric: {}, value: data.result as [number, string] }] : (data.result as Series[]);
}

function samples(all: Series[]): Samples {
  return new Map(
    all.map(({ metric, values, value }) => [
      nameOf(metric),
      new Map((values ?? [value!]).map(([at, text]) => [Math.round(at * 1000), Number(text.replace('Inf', 'Infinity'))])),
    ])
  );
}

/** Reads frames with one series each, and tables with a column per label. */
function samplesOf(frames: Frame[]): Samples {
  const found: Samples = new Map();
  for (const { fields } of frames) {
    const times = fields.find((f) => f.type === 'time')?.values ?? [];
    const labels = fields.filter((f) => f.type === 'string');
    for (const { values, labels: own } of fields.filter((f) => f.type === 'number')) {
      values.forEach((value, row) => {
        const columns = Object.fromEntries(labels.map((f) => [f.name, String(f.values[row] ?? '')]).filter(([, text]) => text !== ''));
        const name = nameOf({ ...own, ...columns });
        const at = found.get(name) ?? new Map<number, number>();
        found.set(name, at);
        if (value !== null && value !== undefined) {
          at.set(Number(times[row]), Number(value));
        }
      });
    }
  }
  return found;
}

function nameOf(labels: Record<string, string>): string {
  return JSON.stringify(
    Object.entries(labels)
      .filter(([name, value]) => name !== '__name__' && value !== '')
      .sort(([a], [b]) => (a < b ? -1 : 1))
  );
}

function difference(got: Samples, want: Samples): string | undefined {
  const missing = [...want.keys()].filter((name) => !got.has(name));
  const more = [...got.keys()].filter((name) => !want.has(name) && got.get(name)!.size > 0);
  if (missing.length + more.length > 0) {
    return `series missing: ${missing.slice(0, 3).join(' ')}; not of the API: ${more.slice(0, 3).join(' ')}`;
  }
  for (const [name, at] of want) {
    const here = got.get(name)!;
    for (const time of new Set([...at.keys(), ...here.keys()])) {
      if (!equal(at.get(time), here.get(time))) {
        return `${name} at ${new Date(time).toISOString()}: ${here.get(time)}, and ${at.get(time)} by the API`;
      }
    }
  }
  return undefined;
}

/** Sums over series may differ in the last bit because the engine adds them in a different order. */
function equal(a: number | undefined, b: number | undefined): boolean {
  return Object.is(a, b) || (a !== undefined && b !== undefined && Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b)));
}

function milliseconds(step: string): number {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };
  return [...step.matchAll(/([\d.]+)(ms|[smhdwy])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0);
}
