import type { GrafanaTheme2, TimeRange, TimeZone } from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleDistribution, ScaleOrientation } from '@grafana/schema';
import { UPlotConfigBuilder } from '@grafana/ui';
import type uPlot from 'uplot';

import { timePadding } from '../shared/axisRoom';
import { rowBounds } from './cells';
import { boxOf, drawCells } from './draw';
import type { Options, YAxisOptions } from './options';
import type { Cells } from './types';
import { cellAt, rowName, type View } from './view';

/** What the plot reads while drawing; it changes without a new plot. */
export interface Live {
  view: View;
  timeRange: TimeRange;
  onHover: (cell: number) => void;
}

export function buildConfig(live: () => Live, options: Options, theme: GrafanaTheme2, timeZone: TimeZone): UPlotConfigBuilder {
  const builder = new UPlotConfigBuilder(timeZone);
  const { y } = live().view.cells;
  builder.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [live().timeRange.from.valueOf(), live().timeRange.to.valueOf()],
  });
  builder.addScale({
    scaleKey: 'y',
    orientation: ScaleOrientation.Vertical,
    direction: options.yAxis.reverse ? ScaleDirection.Down : ScaleDirection.Up,
    distribution: y.kind === 'log' ? ScaleDistribution.Log : y.kind === 'symlog' ? ScaleDistribution.Symlog : ScaleDistribution.Linear,
    log: y.kind === 'log' ? y.base : 10,
    linearThreshold: y.kind === 'symlog' ? y.threshold : undefined,
    range: () => yRange(live().view.cells, options.yAxis),
  });
  builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone, theme, grid: { show: false } });
  builder.setPadding(timePadding);
  addYAxis(builder, live, options, theme);
  builder.addSeries({ scaleKey: 'y', theme, pathBuilder: () => null, pointsBuilder: () => false, lineColor: 'transparent' });
  builder.addHook('draw', (u) => drawCells(u, live().view, options, theme));
  // The pointer of another panel provides a time but no bucket.
  builder.addHook('setLegend', (u) => live().onHover(u.cursor.event ? (u.cursor.idxs?.[1] ?? -1) : -1));
  setCursor(builder, live, options);
  return builder;
}

function addYAxis(builder: UPlotConfigBuilder, live: () => Live, options: Options, theme: GrafanaTheme2) {
  const { y } = live().view.cells;
  const axis = options.yAxis;
  const rows = y.kind === 'rows' && {
    splits: (u: uPlot) => rowSplits(live().view, u.bbox.height / devicePixelRatio || u.height, u.scales['y']!),
    values: (_u: uPlot, splits: number[]) => splits.map((s) => rowName(live().view, Math.round(s - shift(live().view)))),
  };
  builder.addAxis({
    scaleKey: 'y',
    theme,
    label: axis.axisLabel,
    size: axis.axisWidth,
    decimals: axis.decimals,
    placement: axis.axisPlacement && axis.axisPlacement !== AxisPlacement.Auto ? axis.axisPlacement : AxisPlacement.Left,
    grid: { show: axis.axisGridShow ?? false },
    ticks: { show: axis.axisPlacement !== AxisPlacement.Hidden },
    border: { show: axis.axisBorderShow ?? false },
    distr: y.kind === 'log' ? ScaleDistribution.Log : ScaleDistribution.Linear,
    // Powers have as many decimals as they need; only evenly spaced ticks share a number of decimals.
    formatValue: (v: number, decimals) => live().view.formatY(v, y.kind === 'linear' ? decimals : undefined),
    ...rows,
  });
}

/** How far above the lower edge of a row its name is placed: at the edge that it denotes, otherwise in the middle. */
function shift({ cells: { y } }: View): number {
  return y.kind !== 'rows' || y.layout === 'ge' ? 0 : y.layout === 'le' ? 1 : 0.5;
}

const textHeight = 15;

/** Positions of row names; if there is not enough space, only every second, third, … one. */
export function rowSplits(view: View, height: number, { min = 0, max = 0 }: { min?: number; max?: number }): number[] {
  const { y } = view.cells;
  if (y.kind !== 'rows') {
    return [];
  }
  const every = Math.max(1, Math.ceil((textHeight * (max - min)) / Math.max(1, height)));
  const splits: number[] = [];
  for (let row = Math.max(0, Math.floor(min)); row < Math.min(max, y.names.length); row += every) {
    splits.push(row + shift(view));
  }
  return splits;
}

/** Range of the y axis: that of the rows or values, limited by the axis options. */
export function yRange(cells: Cells, axis: YAxisOptions): [number, number] {
  const { y } = cells;
  if (y.kind === 'rows') {
    return rowRange(cells, axis);
  }
  let [low, high, positive] = [Infinity, -Infinity, Infinity];
  for (let i = 0; i < cells.count.length; i++) {
    low = Math.min(low, cells.yMin[i]!);
    high = Math.max(high, cells.yMax[i]!);
    for (const bound of [cells.yMin[i]!, cells.yMax[i]!]) {
      positive = bound > 0 ? Math.min(positive, bound) : positive;
    }
  }
  low = axis.min ?? low;
  high = axis.max ?? high;
  if (y.kind === 'log') {
    // Zero does not exist on a logarithmic axis: its bucket is drawn below the smallest bound.
    low = low > 0 ? low : (Number.isFinite(positive) ? positive : 1) / y.base;
    high = high > low ? high : low * y.base;
    // Ticks are at powers of the base.
    const power = (v: number, round: (n: number) => number) => y.base ** round(Number((Math.log(v) / Math.log(y.base)).toFixed(6)));
    low = axis.min != null && axis.min > 0 ? axis.min : power(low, Math.floor);
    high = axis.max ?? power(high, Math.ceil);
  }
  return high > low ? [low, high] : [low === Infinity ? 0 : low, (low === Infinity ? 0 : low) + 1];
}

function rowRange({ y }: Cells, axis: YAxisOptions): [number, number] {
  const rows = y.kind === 'rows' ? y.names.length : 0;
  let [first, last] = [0, Math.max(1, rows)];
  for (let row = 0; row < rows; row++) {
    const bounds = rowBounds(y, row);
    if (bounds && axis.min != null && bounds[1] <= axis.min) {
      first = row + 1;
    }
    if (bounds && axis.max != null && bounds[0] >= axis.max) {
      last = Math.min(last, row);
    }
  }
  return last > first ? [first, last] : [0, Math.max(1, rows)];
}

function setCursor(builder: UPlotConfigBuilder, live: () => Live, options: Options) {
  const none = { left: -10, top: -10, width: 0, height: 0 };
  builder.setCursor({
    x: true,
    y: false,
    dataIdx: (u, series, closest, time) => {
      if (series === 0) {
        return closest;
      }
      const cell = cellAt(live().view, time, u.posToVal(u.cursor.top ?? -1, 'y'));
      return cell < 0 ? null : cell;
    },
    focus: { prox: 1e3, dist: (_u, _series, index) => (index === null ? Infinity : 0) },
    points: {
      fill: 'rgba(255,255,255,0.3)',
      stroke: 'rgba(255,255,255,0.6)',
      width: 1,
      size: 0,
      bbox: (u: uPlot) => {
        const cell = u.cursor.idxs?.[1];
        return cell == null ? none : (boxOf(u, live().view, cell, options, false) ?? none);
      },
    },
  } as uPlot.Cursor);
}
