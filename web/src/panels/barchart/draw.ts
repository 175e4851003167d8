import { colorManipulator, formattedValueToString, type Field, type GrafanaTheme2 } from '@grafana/data';
import { GraphThresholdsStyleMode, StackingMode, VisibilityMode } from '@grafana/schema';
import type uPlot from 'uplot';

import { barColor, barFill } from './colors';
import { laneOf, valueSize } from './layout';
import type { BarFieldConfig, Options } from './options';
import type { Bars, BarSeries } from './series';

/** What the plot reads while drawing. */
export interface Scene {
  bars: Bars;
  options: Options;
  theme: GrafanaTheme2;
  horizontal: boolean;
  scaleKeys: string[];
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The box of a bar in pixels of the canvas or of the plot; undefined if the group has no value. */
export function boxOf(u: uPlot, scene: Scene, index: number, group: number, canvas: boolean, full = false): Box | undefined {
  const { bars, options, horizontal, scaleKeys } = scene;
  const series = bars.series[index];
  const to = series?.to[group];
  if (!series || series.hidden || to === null || to === undefined) {
    return undefined;
  }
  const ratio = canvas ? 1 : devicePixelRatio;
  const plot = { left: canvas ? u.bbox.left : 0, top: canvas ? u.bbox.top : 0, width: u.bbox.width / ratio, height: u.bbox.height / ratio };
  const shown = bars.series.filter((s) => !s.hidden);
  const lane = laneOf(group, bars.labels.length, shown.indexOf(series), shown.length, horizontal ? plot.height : plot.width, options);
  const [start, size] = [Math.round(lane.start), Math.max(1, Math.round(lane.size))];
  const key = scaleKeys[index]!;
  const { min = 0, max = 0, distr } = u.scales[key]!;
  const within = (v: number) => Math.min(Math.max(v, min!), max!);
  const origin = distr === 3 ? min! : within(series.from[group]!);
  const a = Math.round(u.valToPos(origin, key, canvas));
  const b = Math.round(u.valToPos(within(to), key, canvas));
  if (full) {
    return horizontal ? { ...plot, top: plot.top + start, height: size } : { ...plot, left: plot.left + start, width: size };
  }
  return horizontal
    ? { left: Math.min(a, b), width: Math.abs(a - b), top: plot.top + start, height: size }
    : { top: Math.min(a, b), height: Math.abs(a - b), left: plot.left + start, width: size };
}

/** Draws all bars, then their values. */
export function drawBars(u: uPlot, scene: Scene) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  scene.bars.series.forEach((series, index) => {
    for (let group = 0; group < series.to.length; group++) {
      const box = boxOf(u, scene, index, group, true);
      if (box) {
        drawBar(u, scene, series, group, box, scene.scaleKeys[index]!);
      }
    }
  });
  ctx.restore();
  if (scene.options.showValue !== VisibilityMode.Never) {
    drawValues(u, scene);
  }
}

function drawBar(u: uPlot, scene: Scene, series: BarSeries, group: number, box: Box, key: string) {
  const { ctx } = u;
  const { theme, horizontal, bars, options } = scene;
  const { lineWidth = 1 } = (series.field.config.custom ?? {}) as BarFieldConfig;
  const color = barColor(bars, series, group, theme);
  const negative = series.to[group]! < series.from[group]!;
  const { min, max } = u.scales[key]!;
  const [low, high] = [u.valToPos(min!, key, true), u.valToPos(max!, key, true)];
  const point = (along: number): [number, number] => (horizontal ? [along, 0] : [0, along]);
  const [near, far] = horizontal ? [box.left, box.left + box.width] : [box.top + box.height, box.top];
  ctx.fillStyle = barFill(ctx, series, color, theme, {
    base: point(negative ? far : near),
    tip: point(negative ? near : far),
    scaleEnds: [point(low), point(high)],
  });
  ctx.beginPath();
  const radius = Math.min(0.5, Math.max(0, options.barRadius ?? 0)) * (horizontal ? box.height : box.width) || 0;
  const r = Math.min(radius, horizontal ? box.width : box.height);
  ctx.roundRect(box.left, box.top, box.width, box.height, corners(r, horizontal, negative));
  ctx.fill();
  if (lineWidth > 0 && box.width > 0 && box.height > 0) {
    const line = Math.min(lineWidth * devicePixelRatio, box.width, box.height);
    ctx.strokeStyle = color;
    ctx.lineWidth = line;
    ctx.beginPath();
    ctx.roundRect(
      box.left + line / 2,
      box.top + line / 2,
      Math.max(0, box.width - line),
      Math.max(0, box.height - line),
      corners(Math.max(0, r - line / 2), horizontal, negative)
    );
    ctx.stroke();
  }
}

/** Only the end away from zero is rounded. */
function corners(r: number, horizontal: boolean, negative: boolean): number[] {
  if (horizontal) {
    return negative ? [r, 0, 0, r] : [0, r, r, 0];
  }
  return negative ? [0, 0, r, r] : [r, r, 0, 0];
}

function drawValues(u: uPlot, scene: Scene) {
  const { ctx } = u;
  const { options, horizontal, theme, bars } = scene;
  const stacked = options.stacking !== StackingMode.None;
  const always = options.showValue === VisibilityMode.Always;
  const labels: Array<{ text: string; box: Box; negative: boolean }> = [];
  bars.series.forEach((series, index) => {
    for (let group = 0; group < series.to.length; group++) {
      const box = boxOf(u, scene, index, group, true);
      if (box) {
        labels.push({ text: valueText(series.field, series.values[group]!), box, negative: series.to[group]! < series.from[group]! });
      }
    }
  });
  ctx.save();
  ctx.font = `10px ${theme.typography.fontFamily}`;
  const widest = labels.reduce((max, l) => Math.max(max, ctx.measureText(l.text).width), 0) / 10;
  const room = labels.reduce((min, l) => Math.min(min, horizontal ? l.box.height : l.box.width), Infinity) / devicePixelRatio;
  const size = valueSize(room, horizontal ? 1.2 : widest, options.text?.valueSize, always);
  if (size !== undefined) {
    ctx.font = `${size * devicePixelRatio}px ${theme.typography.fontFamily}`;
    ctx.fillStyle = theme.colors.text.primary;
    for (const { text, box, negative } of labels) {
      const width = ctx.measureText(text).width;
      const length = horizontal ? box.width : box.height;
      if (stacked && !always && length < (horizontal ? width : size * devicePixelRatio)) {
        continue;
      }
      const at = stacked ? middle(ctx, box) : beside(ctx, box, negative, horizontal, width, size);
      ctx.fillText(text, at.x, at.y);
    }
  }
  ctx.restore();
}

function middle(ctx: CanvasRenderingContext2D, box: Box) {
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
}

/** Past the end of the bar, or inside it at the edge of the canvas. */
function beside(ctx: CanvasRenderingContext2D, box: Box, negative: boolean, horizontal: boolean, width: number, size: number) {
  const gap = 4 * devicePixelRatio;
  if (horizontal) {
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    const x = negative ? box.left - gap - width : box.left + box.width + gap;
    return { x: Math.min(Math.max(x, 0), ctx.canvas.width - width), y: box.top + box.height / 2 };
  }
  const height = size * devicePixelRatio;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  const y = negative ? box.top + box.height + gap : box.top - gap - height;
  return { x: box.left + box.width / 2, y: Math.min(Math.max(y, 0), ctx.canvas.height - height) };
}

function valueText(field: Field, value: number): string {
  return field.display ? formattedValueToString(field.display(value)) : String(value);
}

/** Draws a field's thresholds over the plot as lines, areas or both. */
export function drawThresholds(u: uPlot, field: Field, key: string, horizontal: boolean, theme: GrafanaTheme2) {
  const mode = (field.config.custom as BarFieldConfig | undefined)?.thresholdsStyle?.mode ?? GraphThresholdsStyleMode.Off;
  const thresholds = field.config.thresholds;
  const { min, max } = u.scales[key]!;
  if (mode === GraphThresholdsStyleMode.Off || mode === GraphThresholdsStyleMode.Series || !thresholds || min == null || max == null) {
    return;
  }
  const { ctx, bbox } = u;
  const value = (step: number) => (thresholds.mode === 'percentage' ? min + ((max - min) * step) / 100 : step);
  const area = mode.includes('area');
  const line = mode.startsWith('line') || mode === GraphThresholdsStyleMode.Dashed || mode === GraphThresholdsStyleMode.DashedAndArea;
  ctx.save();
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash(mode.startsWith('dashed') ? [10 * devicePixelRatio, 10 * devicePixelRatio] : []);
  thresholds.steps.forEach((step, i) => {
    const from = Math.max(min, step.value === null || step.value === -Infinity ? min : value(step.value));
    const next = thresholds.steps[i + 1];
    const to = Math.min(max, next ? value(next.value) : max);
    const color = theme.visualization.getColorByName(step.color);
    const [a, b] = [u.valToPos(from, key, true), u.valToPos(to, key, true)];
    if (area && to > from) {
      ctx.fillStyle = colorManipulator.alpha(color, 0.15);
      ctx.fillRect(horizontal ? a : bbox.left, horizontal ? bbox.top : b, horizontal ? b - a : bbox.width, horizontal ? bbox.height : a - b);
    }
    if (line && i > 0 && value(step.value) >= min && value(step.value) <= max) {
      ctx.strokeStyle = color;
      ctx.beginPath();
      ctx.moveTo(horizontal ? a : bbox.left, horizontal ? bbox.top : a);
      ctx.lineTo(horizontal ? a : bbox.left + bbox.width, horizontal ? bbox.top + bbox.height : a);
      ctx.stroke();
    }
  });
  ctx.restore();
}
