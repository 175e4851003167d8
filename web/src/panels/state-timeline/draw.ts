import { colorManipulator, type GrafanaTheme2 } from '@grafana/data';
import { VisibilityMode, type TimelineValueAlignment } from '@grafana/schema';
import type uPlot from 'uplot';

import type { Row, Segment } from './rows';

/** The style of boxes. */
export interface BoxStyle {
  theme: GrafanaTheme2;
  rowHeight: number;
  showValue: VisibilityMode;
  alignValue: TimelineValueAlignment;
}

const padding = 4;
const fontSize = 12;

/** The vertical position and height of a row's boxes in pixels of the plot. */
export function band(index: number, rows: number, height: number, rowHeight: number): { top: number; height: number } {
  const space = height / Math.max(1, rows);
  const share = Math.min(1, Math.max(0, rowHeight));
  return { top: index * space + (space * (1 - share)) / 2, height: space * share };
}

/** Draws all visible boxes and the text that fits into them. */
export function drawRows(u: uPlot, rows: Row[], style: BoxStyle) {
  const { ctx, bbox } = u;
  const { min, max } = u.scales['x']!;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${fontSize * devicePixelRatio}px ${style.theme.typography.fontFamily}`;
  ctx.textBaseline = 'middle';
  rows.forEach((row, i) => {
    const at = band(i, rows.length, bbox.height, style.rowHeight);
    for (const segment of row.segments) {
      if (segment.to < (min ?? -Infinity) || segment.from > (max ?? Infinity)) {
        continue;
      }
      drawBox(u, row, segment, bbox.top + at.top, at.height, style);
    }
  });
  ctx.restore();
}

function drawBox(u: uPlot, row: Row, segment: Segment, top: number, height: number, style: BoxStyle) {
  const { ctx, bbox } = u;
  const { lineWidth = 0, fillOpacity = 70 } = (row.field.config.custom ?? {}) as { lineWidth?: number; fillOpacity?: number };
  const color = segment.color ?? style.theme.colors.text.disabled;
  const left = Math.max(bbox.left, Math.round(u.valToPos(segment.from, 'x', true)));
  const right = Math.min(bbox.left + bbox.width, Math.round(u.valToPos(segment.to, 'x', true)));
  // Even a momentary state must be visible.
  const width = Math.max(devicePixelRatio, right - left);
  ctx.fillStyle = colorManipulator.alpha(color, fillOpacity / 100);
  ctx.fillRect(left, top, width, height);
  if (lineWidth > 0) {
    const line = lineWidth * devicePixelRatio;
    ctx.strokeStyle = color;
    ctx.lineWidth = line;
    ctx.strokeRect(left + line / 2, top + line / 2, Math.max(0, width - line), Math.max(0, height - line));
  }
  if (style.showValue !== VisibilityMode.Never) {
    drawText(ctx, segment, { left, width, top, height }, style, textColor(color, fillOpacity, style.theme));
  }
}

function drawText(
  ctx: CanvasRenderingContext2D,
  segment: Segment,
  box: { left: number; width: number; top: number; height: number },
  style: BoxStyle,
  color: string
) {
  const pad = padding * devicePixelRatio;
  const always = style.showValue === VisibilityMode.Always;
  if (!always && (box.height < fontSize * devicePixelRatio || ctx.measureText(segment.text).width + 2 * pad > box.width)) {
    return;
  }
  ctx.save();
  if (always) {
    ctx.beginPath();
    ctx.rect(box.left, box.top, box.width, box.height);
    ctx.clip();
  }
  ctx.fillStyle = color;
  ctx.textAlign = style.alignValue;
  const x = { left: box.left + pad, center: box.left + box.width / 2, right: box.left + box.width - pad }[style.alignValue];
  ctx.fillText(segment.text, x, box.top + box.height / 2);
  ctx.restore();
}

/** Black or white, whichever is more readable on a translucent box. */
export function textColor(color: string, fillOpacity: number, theme: GrafanaTheme2): string {
  const canvas = theme.colors.background.primary;
  const seen = colorManipulator.alpha(color, fillOpacity / 100);
  const ratio = (text: string) => colorManipulator.getContrastRatio(text, seen, canvas);
  return ratio('#000000') >= ratio('#ffffff') ? '#000000' : '#ffffff';
}
