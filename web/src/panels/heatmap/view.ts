import { formattedValueToString, getDisplayProcessor, getValueFormat, type GrafanaTheme2 } from '@grafana/data';

import { rowBounds } from './cells';
import { colorIndex, paletteOf } from './colors';
import type { Options } from './options';
import type { Cells } from './types';

/** What is drawn: cells with their colors, and formatting of numbers. */
export interface View {
  cells: Cells;
  palette: string[];
  /** Color of each cell; -1: not drawn. */
  fill: Int16Array;
  /** Counts of the first and the last color. */
  min: number;
  max: number;
  /** First cell of each column, by time. */
  columns: { start: number[]; at: number[] };
  formatCount: (count: number) => string;
  formatY: (value: number, decimals?: number | null) => string;
}

export function viewOf(cells: Cells, options: Options, theme: GrafanaTheme2): View {
  const palette = paletteOf(options.color, theme);
  const hide = options.filterValues ?? {};
  const shown = cells.count.map((c) => Number.isFinite(c) && !(hide.le != null && c <= hide.le) && !(hide.ge != null && c >= hide.ge));
  let [min, max] = [Infinity, -Infinity];
  cells.count.forEach((c, i) => {
    if (shown[i]) {
      min = Math.min(min, c);
      max = Math.max(max, c);
    }
  });
  min = options.color.min ?? (min === Infinity ? 0 : min);
  max = options.color.max ?? (max === -Infinity ? 0 : max);
  const fill = Int16Array.from(cells.count, (c, i) => (shown[i] ? colorIndex(c, min, max, palette.length) : -1));
  return { cells, palette, fill, min, max, columns: columnsOf(cells), ...formats(cells, options, theme) };
}

function formats(cells: Cells, options: Options, theme: GrafanaTheme2): Pick<View, 'formatCount' | 'formatY'> {
  const { unit, decimals } = options.cellValues ?? {};
  const count = getDisplayProcessor({ field: { config: { unit: unit ?? 'short', decimals } }, theme });
  const y = getValueFormat(options.yAxis.unit ?? cells.yUnit ?? 'short');
  return {
    formatCount: (value) => formattedValueToString(count(value)),
    formatY: (value, tick) => (Number.isFinite(value) ? formattedValueToString(y(value, options.yAxis.decimals ?? tick)) : value > 0 ? '+Inf' : '-Inf'),
  };
}

function columnsOf(cells: Cells): View['columns'] {
  const start: number[] = [];
  const at: number[] = [];
  cells.xMin.forEach((t, i) => {
    if (i === 0 || t !== cells.xMin[i - 1]) {
      start.push(i);
      at.push(t);
    }
  });
  return { start, at };
}

/** The cells of the column that contains a time: from … to-1. */
export function columnAt({ cells, columns }: View, time: number): { from: number; to: number } | undefined {
  let low = 0;
  let high = columns.at.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (columns.at[middle]! <= time) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const from = columns.start[low];
  if (from === undefined || time < columns.at[low]! || time >= cells.xMax[from]!) {
    return undefined;
  }
  return { from, to: columns.start[low + 1] ?? cells.count.length };
}

/** The drawn cell that contains a time and a value on the y scale; -1 if there is none. */
export function cellAt(view: View, time: number, y: number): number {
  const column = columnAt(view, time);
  if (column) {
    for (let i = column.from; i < column.to; i++) {
      if (y >= view.cells.yMin[i]! && y < view.cells.yMax[i]! && view.fill[i]! >= 0) {
        return i;
      }
    }
  }
  return -1;
}

/** Text for a cell's bucket: its bounds or its name. */
export function bucketText(view: View, cell: number): string {
  const { y, yMin, yMax } = view.cells;
  if (y.kind !== 'rows') {
    return `${view.formatY(yMin[cell]!)} – ${view.formatY(yMax[cell]!)}`;
  }
  const row = yMin[cell]!;
  const bounds = rowBounds(y, row);
  if (!bounds) {
    return rowName(view, row);
  }
  const [low, high] = bounds;
  return low === -Infinity ? `≤ ${view.formatY(high)}` : high === Infinity ? `> ${view.formatY(low)}` : `${view.formatY(low)} – ${view.formatY(high)}`;
}

/** A row's name on the axis: a bound with the axis' unit, otherwise unchanged. */
export function rowName(view: View, row: number): string {
  const { y } = view.cells;
  if (y.kind !== 'rows') {
    return '';
  }
  const bound = y.bounds?.[row];
  return bound === undefined ? (y.names[row] ?? '') : view.formatY(bound);
}

/** Position of a measured value, such as an exemplar's, on the y scale. */
export function yOfValue({ cells: { y } }: View, value: number): number {
  if (y.kind !== 'rows') {
    return value;
  }
  for (let row = 0; row < y.names.length; row++) {
    const bounds = rowBounds(y, row);
    if (bounds && value > bounds[0] && value <= bounds[1]) {
      const [low, high] = bounds;
      return Number.isFinite(low) && Number.isFinite(high) ? row + (value - low) / (high - low) : row + 0.5;
    }
  }
  return y.names.length - 0.5;
}
