import { colorManipulator, type GrafanaTheme2 } from '@grafana/data';
import type uPlot from 'uplot';

import type { Options } from './options';
import type { View } from './view';

const fontSize = 11;

/** Draws every visible cell. */
export function drawCells(u: uPlot, view: View, options: Options, theme: GrafanaTheme2) {
  const { ctx, bbox } = u;
  const radius = (options.cellRadius ?? 0) * devicePixelRatio;
  const values = options.showValue === 'always';
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  let color = -1;
  for (let i = 0; i < view.fill.length; i++) {
    const fill = view.fill[i]!;
    const box = fill < 0 ? undefined : boxOf(u, view, i, options, true);
    if (!box) {
      continue;
    }
    if (fill !== color || values) {
      ctx.fillStyle = view.palette[fill]!;
      color = fill;
    }
    if (radius > 0) {
      ctx.beginPath();
      ctx.roundRect(box.left, box.top, box.width, box.height, Math.min(radius, box.width / 2, box.height / 2));
      ctx.fill();
    } else {
      ctx.fillRect(box.left, box.top, box.width, box.height);
    }
    if (values) {
      drawValue(ctx, view.formatCount(view.cells.count[i]!), box, valueColor(view.palette[fill]!, theme), theme);
    }
  }
  ctx.restore();
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A cell's box in pixels of the canvas or of the page; undefined if it is not visible. */
export function boxOf(u: uPlot, { cells }: View, i: number, options: Options, canvas: boolean): Box | undefined {
  const { min: xLow, max: xHigh } = u.scales['x']!;
  const { min: yLow, max: yHigh } = u.scales['y']!;
  if (cells.xMax[i]! < xLow! || cells.xMin[i]! > xHigh! || cells.yMax[i]! < yLow! || cells.yMin[i]! > yHigh!) {
    return undefined;
  }
  const gap = (options.cellGap ?? 1) * (canvas ? devicePixelRatio : 1);
  const left = Math.round(u.valToPos(cells.xMin[i]!, 'x', canvas));
  const right = Math.round(u.valToPos(cells.xMax[i]!, 'x', canvas));
  // A bound outside a logarithmic axis has no position; use the edge instead.
  const a = Math.round(u.valToPos(Math.max(cells.yMin[i]!, yLow!), 'y', canvas));
  const b = Math.round(u.valToPos(Math.min(cells.yMax[i]!, yHigh!), 'y', canvas));
  const top = Math.min(a, b);
  const bottom = Math.max(a, b);
  const least = canvas ? devicePixelRatio : 1;
  const width = Math.max(least, right - left - gap);
  const height = Math.max(least, bottom - top - gap);
  return { left: left + gap / 2, top: top + gap / 2, width, height };
}

/** Black or white, whichever is more readable on a cell that may be translucent. */
function valueColor(cell: string, theme: GrafanaTheme2): string {
  const ratio = (text: string) => colorManipulator.getContrastRatio(text, cell, theme.colors.background.primary);
  return ratio('#000000') >= ratio('#ffffff') ? '#000000' : '#ffffff';
}

function drawValue(ctx: CanvasRenderingContext2D, text: string, box: Box, color: string, theme: GrafanaTheme2) {
  ctx.font = `${fontSize * devicePixelRatio}px ${theme.typography.fontFamily}`;
  if (box.height < fontSize * devicePixelRatio || ctx.measureText(text).width > box.width) {
    return;
  }
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.fillStyle = color;
  ctx.fillText(text, box.left + box.width / 2, box.top + box.height / 2);
}
