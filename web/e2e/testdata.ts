import { randomWalk } from '../src/datasources/grafana/randomWalk';

type Json = Record<string, unknown>;

interface Frame {
  schema: { name?: string; refId?: string; fields: Array<{ name: string; type: string; labels?: Record<string, string> }> };
  data: { values: unknown[][] };
}

/**
 * Converts a query of Grafana's TestData source to frames embedded in the dashboard, for scenarios whose result follows
 * from the query; undefined for the others, which need a server.
 */
export function snapshotOf(target: Json, from: number, to: number, file: (name: string) => string): Json | undefined {
  const frames = framesOf(target, from, to, file);
  return (
    frames && { refId: target['refId'], hide: target['hide'], datasource: { type: 'datasource', uid: 'grafana' }, queryType: 'snapshot', snapshot: frames }
  );
}

function framesOf(target: Json, from: number, to: number, file: (name: string) => string): Frame[] | undefined {
  const refId = String(target['refId'] ?? 'A');
  const labels = parseLabels(String(target['labels'] ?? ''));
  const line = (i: number, times: number[], values: unknown[], type = 'number'): Frame => ({
    schema: {
      refId,
      fields: [
        { name: 'time', type: 'time' },
        { name: named(String(target['alias'] || ''), refId, i), type, labels },
      ],
    },
    data: { values: [times, values] },
  });
  const walk = (i: number) => {
    const { times, values } = randomWalk(from, to, (to - from) / 100, `${refId}${i}`);
    return line(i, times, values);
  };
  switch (target['scenarioId'] ?? 'random_walk') {
    case 'random_walk':
    case 'slow_query':
    case 'random_walk_table':
      return Array.from({ length: Number(target['seriesCount'] ?? 1) || 1 }, (_, i) => walk(i));
    case 'csv_metric_values': {
      const { type, values } = typed(String(target['stringInput'] ?? '').split(','));
      const times = values.map((_, i) => Math.round(from + ((to - from) * i) / Math.max(values.length - 1, 1)));
      return [line(0, times, values, type)];
    }
    case 'no_data_points':
      return [line(0, [], [])];
    case 'datapoints_outside_range':
      return [line(0, [from - 3_600_000], [10])];
    case 'manual_entry': {
      const points = (target['points'] ?? []) as Array<[number, number]>;
      return [
        line(
          0,
          points.map((p) => p[1]),
          points.map((p) => p[0])
        ),
      ];
    }
    case 'csv_content':
      return [table(refId, String(target['csvContent'] ?? ''))];
    case 'csv_file':
      return [table(refId, file(String(target['csvFileName'] ?? '')))];
    default:
      return undefined;
  }
}

function named(alias: string, refId: string, i: number): string {
  return alias || `${String.fromCharCode(refId.charCodeAt(0) + i)}-series`;
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)\s*=\s*"?([^,"}]*)"?/g)].map(([, name, value]) => [name!, value!.trim()]));
}

/** Columns of numbers, booleans and strings; a column named time contains times. */
function table(refId: string, csv: string): Frame {
  const [head = [], ...rows] = csv
    .split('\n')
    .filter((row) => row.trim() !== '')
    .map(cells);
  const columns = head.map((_, i) => rows.map((row) => row[i] ?? ''));
  const fields = columns.map((column, i) => {
    const { type, values } = typed(column);
    return { name: head[i]!, type: type === 'number' && /^time$/i.test(head[i]!) ? 'time' : type, values };
  });
  return { schema: { refId, fields: fields.map(({ name, type }) => ({ name, type })) }, data: { values: fields.map((f) => f.values) } };
}

/** Converts strings to numbers or booleans if all of them are; empty strings and "null" become null. */
function typed(texts: string[]): { type: string; values: unknown[] } {
  const trimmed = texts.map((text) => text.trim()).map((text) => (text === '' || text === 'null' ? null : text));
  if (trimmed.every((text) => text === null || Number.isFinite(Number(text)))) {
    return { type: 'number', values: trimmed.map((text) => (text === null ? null : Number(text))) };
  }
  if (trimmed.every((text) => text === null || /^(true|false)$/i.test(text))) {
    return { type: 'boolean', values: trimmed.map((text) => (text === null ? null : text.toLowerCase() === 'true')) };
  }
  return { type: 'string', values: trimmed };
}

function cells(row: string): string[] {
  return [...row.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain ?? '').trim());
}
