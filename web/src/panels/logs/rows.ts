import { FieldType, LogLevel, NumericLogLevel, type DataFrame, type Field, type Labels } from '@grafana/data';
import { LogsDedupStrategy, LogsSortOrder } from '@grafana/schema';

/** A log line. */
export interface LogRow {
  key: string;
  /** Milliseconds since 1970. */
  time: number;
  /** The part missing in `time`: 0 … 999 999 nanoseconds. */
  nanos: number;
  line: string;
  level: LogLevel;
  labels: Labels;
  /** The labels that are not common to all lines. */
  uniqueLabels: Labels;
  /** How many equal lines that follow are hidden. */
  duplicates: number;
  /** The frame it comes from, for the links of a panel. */
  frame?: DataFrame;
  index: number;
  /** The stream labels, if they are distinguished from other metadata of the line. */
  stream?: Labels;
}

const levelLabels = ['level', 'detected_level', 'severity', 'severity_text', 'lvl', 'loglevel'];
const lineNames = ['body', 'Line', 'line', 'message', 'msg'];

/** The columns of a frame that make up log lines; undefined if it has none. */
function columns(frame: DataFrame) {
  const time = frame.fields.find((field) => field.type === FieldType.time);
  const strings = frame.fields.filter((field) => field.type === FieldType.string);
  const line = strings.find((field) => lineNames.includes(field.name)) ?? strings.find((field) => !['id', 'tsNs', 'severity', 'level'].includes(field.name));
  if (time === undefined || line === undefined) {
    return undefined;
  }
  const named = (...names: string[]) => frame.fields.find((field) => field !== line && names.includes(field.name));
  return { time, line, labels: named('labels', 'attributes'), id: named('id'), ns: named('tsNs'), severity: named('severity', 'level') };
}

/** The lines of all frames in the given order. Frames without time or text are skipped. */
export function readRows(frames: DataFrame[], order: LogsSortOrder): LogRow[] {
  const rows = frames.flatMap((frame, f) => {
    const cols = columns(frame);
    return cols === undefined ? [] : Array.from({ length: frame.length }, (_, i) => readRow(frame, cols, i, `${f}.${i}`));
  });
  const common = commonLabels(rows);
  for (const row of rows) {
    row.uniqueLabels = Object.fromEntries(Object.entries(row.labels).filter(([key]) => !Object.hasOwn(common, key)));
  }
  const sign = order === LogsSortOrder.Ascending ? 1 : -1;
  return rows.sort((a, b) => sign * (a.time - b.time || a.nanos - b.nanos));
}

function readRow(frame: DataFrame, cols: NonNullable<ReturnType<typeof columns>>, i: number, fallback: string): LogRow {
  const ns = cols.ns === undefined ? undefined : String(cols.ns.values[i]);
  const line = text(cols.line.values[i]);
  const labels = { ...cols.line.labels, ...labelsOf(cols.labels, i) };
  const id = cols.id?.values[i];
  return {
    key: id === undefined || id === null ? fallback : `${fallback}.${String(id)}`,
    time: Number(cols.time.values[i]) || 0,
    nanos: ns !== undefined && /^\d{7,}$/.test(ns) ? Number(ns.slice(-6)) : (cols.time.nanos?.[i] ?? 0),
    line,
    level: levelOf(cols.severity?.values[i], labels, line),
    labels,
    uniqueLabels: {},
    duplicates: 0,
    frame,
    index: i,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function labelsOf(field: Field | undefined, i: number): Labels {
  const value: unknown = field?.values[i];
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, text(v)])) : {};
}

const levels: Record<string, LogLevel> = { ...LogLevel };
const said = /\b(?:level|lvl|severity)["']?\s*[=:]\s*["']?([a-z]+)/i;
const mentioned = /\b(emerg(?:ency)?|fatal|alert|crit(?:ical)?|warn(?:ing)?|err(?:or)?|info(?:rmation)?|notice|debug|dbug|trace)\b/i;

/** From the name of the level or the syslog number (0 … 7). */
export function levelOf(severity: unknown, labels: Labels, line: string): LogLevel {
  const named = [severity, ...levelLabels.map((name) => (Object.hasOwn(labels, name) ? labels[name] : undefined))].find(
    (value) => typeof value === 'string' && value !== ''
  );
  const beginning = line.slice(0, 2000);
  for (const word of [named, said.exec(beginning)?.[1], mentioned.exec(beginning)?.[1]]) {
    const key = String(word ?? '').toLowerCase();
    const level = Object.hasOwn(levels, key) ? levels[key] : NumericLogLevel[key];
    if (level !== undefined && level !== LogLevel.unknown && level !== LogLevel.unspecified) {
      return level;
    }
  }
  return LogLevel.unknown;
}

/** The labels that have the same value in all lines. */
export function commonLabels(rows: LogRow[]): Labels {
  const common = { ...rows[0]?.labels };
  for (const { labels } of rows) {
    for (const key of Object.keys(common)) {
      if (labels[key] !== common[key]) {
        delete common[key];
      }
    }
  }
  return common;
}

const isoTime = /\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d[,.]\d+([+-][0-2]\d:[0-5]\d|Z)/g;

/** The part of a line that a deduplication strategy compares. */
function essence(line: string, strategy: LogsDedupStrategy): string {
  switch (strategy) {
    case LogsDedupStrategy.exact:
      return line.replace(isoTime, '');
    case LogsDedupStrategy.numbers:
      return line.replace(/\d/g, '');
    case LogsDedupStrategy.signature:
      return line.replace(/\w/g, '');
    default:
      return line;
  }
}

/** Removes adjacent duplicates and counts them in the first one. */
export function dedup(rows: LogRow[], strategy: LogsDedupStrategy): LogRow[] {
  if (strategy === LogsDedupStrategy.none) {
    return rows;
  }
  const result: LogRow[] = [];
  let last: string | undefined;
  for (const row of rows) {
    const now = essence(row.line, strategy);
    const previous = result.at(-1);
    if (previous !== undefined && now === last) {
      previous.duplicates++;
    } else {
      result.push({ ...row, duplicates: 0 });
      last = now;
    }
  }
  return result;
}
