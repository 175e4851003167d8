import { FieldType, getFieldDisplayName, type DataFrame, type Field, type GrafanaTheme2 } from '@grafana/data';

import { stateOf, type State } from './states';

/** A period, in milliseconds, during which a row has one state. */
export interface Segment extends State {
  from: number;
  to: number;
  /** Index of its first value in the field. */
  row: number;
}

/** A row of the panel. */
export interface Row {
  name: string;
  field: Field;
  segments: Segment[];
}

/** Field options that determine where a state ends, in addition to those of the schema. */
export interface GapConfig {
  /** true: missing values do not end a state; a number: they do not if they are missing for less than this many milliseconds. */
  spanNulls?: boolean | number;
  /** A state ends if there is no sample for this many milliseconds. */
  insertNulls?: boolean | number;
  hideFrom?: { viz?: boolean };
}

const drawn = new Set([FieldType.number, FieldType.string, FieldType.boolean, FieldType.enum]);

/** The fields shown as rows, with the times of their values in order. */
export function sources(frames: DataFrame[]): Array<{ field: Field; name: string; times: number[]; order?: number[]; interval?: number }> {
  return frames.flatMap((frame) => {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    if (!time) {
      return [];
    }
    const order = orderOf(time.values as number[]);
    const times = order ? order.map((i) => time.values[i] as number) : (time.values as number[]);
    return frame.fields
      .filter((f) => f !== time && drawn.has(f.type) && !(f.config.custom as GapConfig | undefined)?.hideFrom?.viz)
      .map((field) => ({ field, name: getFieldDisplayName(field, frame, frames), times, order, interval: time.config.interval ?? undefined }));
  });
}

/** Each field's states over time, with consecutive equal states merged. */
export function timelineRows(frames: DataFrame[], theme: GrafanaTheme2, end: number, merge: boolean): Row[] {
  return sources(frames).map(({ field, name, times, order, interval }) => {
    const gap: GapConfig = field.config.custom ?? {};
    const longest = typeof gap.insertNulls === 'number' ? gap.insertNulls : (interval ?? Infinity);
    const state = stateOf(field, theme);
    const segments: Segment[] = [];
    let open: Segment | undefined;
    let missingSince: number | undefined;
    const close = (at: number) => {
      if (open) {
        open.to = Math.max(open.from, at);
      }
    };
    for (let i = 0; i < times.length; i++) {
      const at = times[i]!;
      const row = order?.[i] ?? i;
      const now = state(field.values[row]);
      const previous = i > 0 ? times[i - 1]! : at;
      if (open && missingSince === undefined && at - previous > longest) {
        missingSince = previous + longest;
      }
      if (!now) {
        if (field.values[row] !== undefined) {
          missingSince ??= at;
        }
        continue;
      }
      const broken = missingSince !== undefined && !spans(gap.spanNulls, at - missingSince);
      if (open && merge && !broken && open.key === now.key) {
        missingSince = undefined;
        continue;
      }
      close(broken ? missingSince! : at);
      missingSince = undefined;
      open = { ...now, from: at, to: at, row };
      segments.push(open);
    }
    const last = times.at(-1) ?? end;
    const over = missingSince ?? last + longest;
    close(gap.spanNulls === true ? end : Math.min(end, over));
    return { name, field, segments };
  });
}

function spans(spanNulls: boolean | number | undefined, missing: number): boolean {
  return spanNulls === true || (typeof spanNulls === 'number' && missing < spanNulls);
}

/** Each value as a separate box around its time; `width` (0…1) is its fraction of the time between values. */
export function historyRows(frames: DataFrame[], theme: GrafanaTheme2, width: number, rangeMs: number): Row[] {
  const all = sources(frames);
  const step = smallestStep(all.map((s) => s.times)) ?? all.find((s) => s.interval)?.interval ?? rangeMs / 20;
  const half = (step * width) / 2;
  return all.map(({ field, name, times, order }) => {
    const state = stateOf(field, theme);
    const segments = times.flatMap((at, i): Segment[] => {
      const row = order?.[i] ?? i;
      const now = state(field.values[row]);
      return now ? [{ ...now, from: at - half, to: at + half, row }] : [];
    });
    return { name, field, segments };
  });
}

function smallestStep(columns: number[][]): number | undefined {
  let step: number | undefined;
  for (const times of columns) {
    for (let i = 1; i < times.length; i++) {
      const delta = times[i]! - times[i - 1]!;
      if (delta > 0 && (step === undefined || delta < step)) {
        step = delta;
      }
    }
  }
  return step;
}

function orderOf(times: number[]): number[] | undefined {
  for (let i = 1; i < times.length; i++) {
    if (times[i]! < times[i - 1]!) {
      return times.map((_, n) => n).sort((a, b) => times[a]! - times[b]!);
    }
  }
  return undefined;
}

/** Finds the segment at a time by binary search; -1 if there is none. */
export function segmentAt(segments: Segment[], time: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle]!;
    if (time < segment.from) {
      high = middle - 1;
    } else if (time >= segment.to) {
      low = middle + 1;
    } else {
      return middle;
    }
  }
  return -1;
}
