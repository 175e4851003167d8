import { DataFrameType, FieldType, type DataFrame } from '@grafana/data';

/** One stream of the answer of /loki/api/v1/query_range. */
export interface Stream {
  stream: Record<string, string>;
  /** [nanoseconds as text, line, and with Loki 3 what is known of the line beside its labels] */
  values: Array<[string, string, { structuredMetadata?: Record<string, string>; parsed?: Record<string, string> }?]>;
}

/** Lines of all streams as one frame, the newest first unless the query asked for the other direction. */
export function logsFrame(streams: Stream[], refId: string, expr: string, forward: boolean): DataFrame {
  const rows = streams.flatMap(({ stream, values }) => values.map(([ns, line, extra]) => ({ ns, line, labels: { ...stream, ...extra?.structuredMetadata, ...extra?.parsed } })));
  rows.sort((a, b) => (forward ? compare(a.ns, b.ns) : compare(b.ns, a.ns)));
  const seen = new Map<string, number>();
  return {
    refId, length: rows.length,
    meta: { type: DataFrameType.LogLines, typeVersion: [0, 0], preferredVisualisationType: 'logs', executedQueryString: expr, custom: { frameType: 'LabeledTimeValues' } },
    fields: [
      { name: 'timestamp', type: FieldType.time, config: {}, values: rows.map((r) => Number(r.ns.slice(0, -6))), nanos: rows.map((r) => Number(r.ns.slice(-6))) },
      { name: 'body', type: FieldType.string, config: {}, values: rows.map((r) => r.line) },
      { name: 'id', type: FieldType.string, config: {}, values: rows.map((r) => idOf(r.ns, r.line, seen)) },
      { name: 'labels', type: FieldType.other, config: {}, values: rows.map((r) => r.labels) },
    ],
  };
}

function compare(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** Lines of the same nanosecond and text are told apart by how often they were seen. */
function idOf(ns: string, line: string, seen: Map<string, number>): string {
  let hash = 0;
  for (let i = 0; i < line.length; i++) {
    hash = (Math.imul(hash, 31) + line.charCodeAt(i)) | 0;
  }
  const id = `${ns}_${(hash >>> 0).toString(16)}`;
  const times = seen.get(id) ?? 0;
  seen.set(id, times + 1);
  return times === 0 ? id : `${id}_${times}`;
}
