import { randomWalk } from '../src/datasources/grafana/randomWalk';

type Json = Record<string, unknown>;

interface Frame {
  schema: { name?: string; refId?: string; fields: Array<{ name: string; type: string; labels?: Record<string, string> }> };
  data: { values: unknown[][] };
}

/**
 * A query of Grafana's TestData source as frames that a dashboard carries, for scenarios whose answer follows from the
 * query; undefined for the others, which need a server.
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
  const line = (i: number, times: number[], values: unknown[]): Frame => ({
    schema: {
      refId,
      fields: [
        { name: 'time', type: 'time' },
        { name: named(String(target['alias'] || ''), refId, i), type: 'number', labels },
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
      const values = String(target['stringInput'] ?? '')
        .split(',')
        .map((text) => (text.trim() === 'null' || text.trim() === '' ? null : Number(text)));
      return [
        line(
          0,
          values.map((_, i) => Math.round(from + ((to - from) * i) / Math.max(values.length - 1, 1))),
          values
        ),
      ];
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

/** Columns of numbers, truth values and texts; one that is called time holds times. */
function table(refId: string, csv: string): Frame {
  const [head = [], ...rows] = csv
    .split('\n')
    .filter((row) => row.trim() !== '')
    .map(cells);
  const columns = head.map((_, i) => rows.map((row) => row[i] ?? ''));
  const values = columns.map((column) => {
    if (column.every((cell) => cell === '' || cell === 'null' || Number.isFinite(Number(cell)))) {
      return column.map((cell) => (cell === '' || cell === 'null' ? null : Number(cell)));
    }
    return column.every((cell) => /^(true|false|)$/i.test(cell)) ? column.map((cell) => cell.toLowerCase() === 'true') : column;
  });
  const type = (name: string, column: unknown[]) => {
    const first = column.find((v) => v !== null);
    return typeof first === 'number' && /^time$/i.test(name)
      ? 'time'
      : typeof first === 'boolean'
        ? 'boolean'
        : typeof first === 'string'
          ? 'string'
          : 'number';
  };
  return { schema: { refId, fields: head.map((name, i) => ({ name, type: type(name, values[i]!) })) }, data: { values } };
}

function cells(row: string): string[] {
  return [...row.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain ?? '').trim());
}
