import type { GrafanaTheme2, TimeRange, TimeZone } from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { measureText, UPlotConfigBuilder } from '@grafana/ui';
import type uPlot from 'uplot';

import { band, drawRows, type BoxStyle } from './draw';
import { segmentAt, type Row, type Segment } from './rows';
import { timePadding } from '../shared/axisRoom';
import { shorten } from '../shared/shorten';

/** What the plot reads while drawing; it changes without a new plot. */
export interface Live {
  rows: Row[];
  timeRange: TimeRange;
  style: BoxStyle;
}

/** Rows in uPlot's format: the times at which boxes start, and for each row the index of the box that starts there. */
export function plotData(rows: Row[]): uPlot.AlignedData {
  const starts = [...new Set(rows.flatMap((r) => r.segments.map((s) => s.from)))].sort((a, b) => a - b);
  const at = new Map(starts.map((t, i) => [t, i]));
  const columns = rows.map((r) => {
    const column = new Array<number | null>(starts.length).fill(null);
    r.segments.forEach((s, i) => (column[at.get(s.from)!] = i));
    return column;
  });
  return [starts, ...columns];
}

/** The box of a row at a time. */
export function hoveredSegment(live: Live, row: number, time: number): Segment | undefined {
  const segments = live.rows[row]?.segments ?? [];
  return segments[segmentAt(segments, time)];
}

const fontSize = 12;

export function buildConfig(
  live: () => Live,
  theme: GrafanaTheme2,
  timeZones: TimeZone[],
  rowCount: number,
  axis: { show: boolean; width?: number }
): UPlotConfigBuilder {
  const builder = new UPlotConfigBuilder(timeZones[0]);
  builder.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [live().timeRange.from.valueOf(), live().timeRange.to.valueOf()],
  });
  builder.addScale({
    scaleKey: 'y',
    auto: false,
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Down,
    range: () => [0, Math.max(1, live().rows.length)],
  });
  timeZones.forEach((timeZone, i) =>
    builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone, theme, grid: { show: i === 0 } })
  );
  builder.setPadding(timePadding);
  builder.addAxis({
    scaleKey: 'y',
    theme,
    placement: axis.show ? AxisPlacement.Left : AxisPlacement.Hidden,
    size: axis.width,
    grid: { show: false },
    ticks: { show: false },
    splits: () => live().rows.map((_, i) => i + 0.5),
    values: (u) => labels(u, live().rows),
  });
  for (let i = 0; i < rowCount; i++) {
    builder.addSeries({ scaleKey: 'y', theme, pathBuilder: () => null, pointsBuilder: () => false, lineColor: 'transparent' });
  }
  builder.addHook('draw', (u) => drawRows(u, live().rows, live().style));
  setCursor(builder, live);
  return builder;
}

/** Row names, truncated to the space available for the axis, and omitted if rows are smaller than the text. */
function labels(u: uPlot, rows: Row[]): string[] {
  const height = u.bbox.height / devicePixelRatio || u.height;
  const every = Math.max(1, Math.ceil((fontSize * rows.length) / Math.max(1, height)));
  const room = u.width * 0.4;
  return rows.map((row, i) => (i % every === 0 ? shorten(row.name, room, (text) => measureText(text, fontSize).width) : ''));
}

function setCursor(builder: UPlotConfigBuilder, live: () => Live) {
  const rowUnder = (u: uPlot) => Math.floor(((u.cursor.top ?? -1) / Math.max(1, u.rect.height)) * live().rows.length);
  const timeUnder = (u: uPlot) => u.posToVal(u.cursor.left ?? -1, 'x');
  const boxOf = (u: uPlot, series: number) => {
    const none = { left: -10, top: -10, width: 0, height: 0 };
    const segment = (u.cursor.left ?? -1) < 0 ? undefined : hoveredSegment(live(), series - 1, timeUnder(u));
    if (!segment) {
      return none;
    }
    const width = u.bbox.width / devicePixelRatio;
    const left = Math.max(0, u.valToPos(segment.from, 'x'));
    const right = Math.min(width, u.valToPos(segment.to, 'x'));
    const at = band(series - 1, live().rows.length, u.bbox.height / devicePixelRatio, live().style.rowHeight);
    return { left, width: Math.max(1, right - left), top: at.top, height: at.height };
  };
  builder.setCursor({
    x: true,
    y: false,
    dataIdx: (u, series, closest, time) => {
      if (series === 0) {
        return closest;
      }
      const segment = hoveredSegment(live(), series - 1, time);
      return segment ? indexOf(u.data[0] as number[], segment.from) : null;
    },
    focus: { prox: 1e3, dist: (u, series) => (rowUnder(u) === series - 1 ? 0 : Infinity) },
    points: { fill: 'rgba(255,255,255,0.2)', stroke: 'rgba(255,255,255,0.4)', width: 1, size: 0, bbox: boxOf },
  } as uPlot.Cursor);
}

function indexOf(sorted: number[], value: number): number | null {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] === value) {
      return middle;
    }
    if (sorted[middle]! < value) {
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return null;
}
