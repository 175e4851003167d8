import {
  dateTimeFormat,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
  systemDateFormats,
  type DataFrame,
  type Field,
  type TimeZone,
} from '@grafana/data';
import { StackingMode } from '@grafana/schema';

import type { BarFieldConfig, Options } from './options';

/** The bars of a field, one per group; null if the group has no value. */
export interface BarSeries {
  name: string;
  field: Field;
  values: Array<number | null>;
  /** Row of the field that contains a group's value. */
  rows: Array<number | null>;
  origin: { frameIndex: number; fieldIndex: number };
  hidden: boolean;
  /** Start and end of each bar on the value axis. */
  from: number[];
  to: Array<number | null>;
}

/** Groups of bars along the x axis. */
export interface Bars {
  xField: Field;
  /** The name of each group, in full and as shown on the axis. */
  labels: string[];
  ticks: string[];
  series: BarSeries[];
  /** Color of each group's bars if another field determines it. */
  colors?: Array<string | undefined>;
}

/** Converts frames to bars, or returns a warning that says what they lack. */
export function barsOf(frames: DataFrame[], options: Options, timeZone: TimeZone): { bars: Bars; warning?: undefined } | { bars?: undefined; warning: string } {
  if (frames.every((f) => f.length === 0)) {
    return { warning: 'No data' };
  }
  const named = (field: Field, frame: DataFrame, name: string) => field.name === name || getFieldDisplayName(field, frame, frames) === name;
  const xOf = (frame: DataFrame) =>
    options.xField
      ? frame.fields.find((f) => named(f, frame, options.xField!))
      : (frame.fields.find((f) => f.type === FieldType.string) ?? frame.fields.find((f) => f.type === FieldType.time));
  const groups = new Map<unknown, number>();
  const series: BarSeries[] = [];
  let xField: Field | undefined;
  let colors: Bars['colors'];
  frames.forEach((frame, frameIndex) => {
    const x = xOf(frame);
    if (!x) {
      return;
    }
    xField ??= x;
    const places = placesOf(x, groups, frames.length === 1);
    const colorField = options.colorByField ? frame.fields.find((f) => named(f, frame, options.colorByField!)) : undefined;
    if (colorField) {
      colors ??= [];
      places.forEach((group, row) => (colors![group] = colorField.display?.(colorField.values[row]).color));
    }
    frame.fields.forEach((field, fieldIndex) => {
      if (field === x || (field.type !== FieldType.number && field.type !== FieldType.boolean)) {
        return;
      }
      series.push(seriesOf(field, places, getFieldDisplayName(field, frame, frames), { frameIndex, fieldIndex }));
    });
  });
  if (!xField) {
    return { warning: options.xField ? `Data is missing the field ${options.xField}` : 'Data is missing a string or time field' };
  }
  if (series.length === 0) {
    return { warning: 'Data is missing a number field' };
  }
  return { bars: { xField, ...ordered([...groups.entries()], xField, timeZone, series, colors) } };
}

/** The group of each row; rows of different frames with the same x are one group, rows of the same frame never are. */
function placesOf(x: Field, groups: Map<unknown, number>, alone: boolean): number[] {
  return x.values.map((value, row) => {
    const key = alone ? row : value;
    let group = groups.get(key);
    if (group === undefined) {
      group = groups.size;
      groups.set(key, group);
    }
    return group;
  });
}

function seriesOf(field: Field, places: number[], name: string, origin: BarSeries['origin']): BarSeries {
  const values: BarSeries['values'] = [];
  const rows: BarSeries['rows'] = [];
  places.forEach((group, row) => {
    const value: unknown = field.values[row];
    values[group] = typeof value === 'boolean' ? Number(value) : typeof value === 'number' && Number.isFinite(value) ? value : null;
    rows[group] = row;
  });
  const custom: BarFieldConfig = field.config.custom ?? {};
  return { name, field, values, rows, origin, hidden: custom.hideFrom?.viz === true, from: [], to: [] };
}

/** Fills in values missing in some frames and sorts times. */
function ordered(groups: Array<[unknown, number]>, x: Field, timeZone: TimeZone, series: BarSeries[], colors: Bars['colors']): Omit<Bars, 'xField'> {
  const keys = groups.map(([key]) => key);
  const joined = keys.length !== x.values.length || keys.some((k, i) => k !== i);
  const values: unknown[] = joined ? keys : x.values;
  const order = values.map((_, i) => i);
  if (x.type === FieldType.time) {
    order.sort((a, b) => (values[a] as number) - (values[b] as number));
  }
  const label = (value: unknown) => {
    if (value === null || value === undefined) {
      return '';
    }
    return x.display ? formattedValueToString(x.display(value)) : x.type === FieldType.time ? dateTimeFormat(value as number, { timeZone }) : String(value);
  };
  const labels = order.map((i) => label(values[i]));
  return {
    labels,
    ticks:
      x.type === FieldType.time && !x.config.unit
        ? timeTicks(
            order.map((i) => values[i] as number),
            timeZone
          )
        : labels,
    series: series.map((s) => ({ ...s, values: order.map((i) => s.values[i] ?? null), rows: order.map((i) => s.rows[i] ?? null) })),
    colors: colors && order.map((i) => colors[i]),
  };
}

/** Times in the shortest form that distinguishes them: no date within a day, no time between days. */
export function timeTicks(times: number[], timeZone: TimeZone): string[] {
  const day = 86_400_000;
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  let step = span || day;
  for (let i = 1; i < times.length; i++) {
    step = Math.min(step, times[i]! - times[i - 1]! || step);
  }
  const { interval } = systemDateFormats;
  const format =
    step < 60_000 ? interval.second : span <= day ? interval.minute : step < day ? interval.hour : span < 365 * day ? interval.day : interval.month;
  return times.map((t) => dateTimeFormat(t, { timeZone, format }));
}

/** Places each bar on the value axis: next to each other from zero, or stacked, with positive and negative values separate. */
export function stacked(bars: Bars, mode: StackingMode): Bars {
  const up = new Array<number>(bars.labels.length).fill(0);
  const down = new Array<number>(bars.labels.length).fill(0);
  const shown = bars.series.filter((s) => !s.hidden);
  const total = bars.labels.map((_, i) => shown.reduce((sum, s) => sum + Math.abs(s.values[i] ?? 0), 0));
  const series = bars.series.map((s): BarSeries => {
    if (mode === StackingMode.None || s.hidden) {
      return { ...s, from: s.values.map(() => 0), to: s.values };
    }
    const from: number[] = [];
    const to = s.values.map((value, i) => {
      const pile = (value ?? 0) < 0 ? down : up;
      from[i] = pile[i]!;
      if (value === null) {
        return null;
      }
      pile[i]! += mode === StackingMode.Percent ? (total[i] ? value / total[i] : 0) : value;
      return pile[i]!;
    });
    return { ...s, from, to };
  });
  return { ...bars, series };
}
