import type { Labels } from '@grafana/data';

import type { Stream } from '../../../datasources/loki/streams';
import { levelOf, type LogRow } from '../../../panels/logs/rows';
import type { LokiClient, Window } from './client';

/** Lines per request; the limit of an unconfigured Loki. */
const page = 5000;

/** The rows of a response, newest first. */
export function rowsOf(streams: Stream[]): LogRow[] {
  const seen = new Map<string, number>();
  const rows = streams.flatMap(({ stream, values }) => values.map((value) => rowOf(stream, value)));
  for (const row of rows) {
    const times = seen.get(row.key) ?? 0;
    seen.set(row.key, times + 1);
    row.key = `${row.key} ${times}`;
  }
  return rows.sort((a, b) => b.time - a.time || b.nanos - a.nanos);
}

function rowOf(stream: Labels, [ns, line, extra]: Stream['values'][number]): LogRow {
  const more = { ...extra?.structuredMetadata, ...extra?.parsed };
  const labels = Object.keys(more).length > 0 ? { ...stream, ...more } : stream;
  return {
    key: `${ns} ${hashOf(line)} ${hashOf(JSON.stringify(stream))}`,
    time: Number(ns.slice(0, -6)),
    nanos: Number(ns.slice(-6)),
    line,
    level: levelOf(undefined, labels, line),
    labels,
    uniqueLabels: {},
    duplicates: 0,
    index: 0,
    stream,
  };
}

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  }
  return hash >>> 0;
}

/** The time of a row in Loki's format. */
export function nanosOf(row: Pick<LogRow, 'time' | 'nanos'>): string {
  return `${row.time}${String(row.nanos).padStart(6, '0')}`;
}

export function later(ns: string, by: bigint): string {
  return String(BigInt(ns) + by);
}

export interface Progress {
  rows: LogRow[];
  /** True if there are no older lines in the window. */
  all: boolean;
}

/**
 * Reads the newest lines of a window page by page and reports each page. Lines of the nanosecond at which a page ends
 * are requested again because the page boundary may lie between them, and lines already read are skipped.
 */
export async function readLines(
  client: Pick<LokiClient, 'lines'>,
  query: string,
  window: Window,
  most: number,
  tell: (progress: Progress) => void,
  abort: AbortSignal
): Promise<void> {
  let rows: LogRow[] = [];
  let end = window.end;
  while (rows.length < most) {
    const limit = Math.min(page, most);
    const fresh = rowsOf(await client.lines(query, { start: window.start, end }, limit, false, abort));
    const known = new Set(rows.slice(-2 * page).map((r) => r.key));
    const added = fresh.filter((r) => !known.has(r.key));
    rows = [...rows, ...added];
    const all = fresh.length < limit;
    tell({ rows: rows.length > most ? rows.slice(0, most) : rows, all: all && rows.length <= most });
    if (all) {
      return;
    }
    const oldest = nanosOf(rows[rows.length - 1]!);
    // A page with lines of a single nanosecond would be requested forever.
    end = added.length > 0 && later(oldest, 1n) !== end ? later(oldest, 1n) : oldest;
  }
}
