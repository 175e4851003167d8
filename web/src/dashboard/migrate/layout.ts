import type { GridPos } from '@grafana/schema';
import { isObject, num, obj, objs, text, bool, compact, type Json } from './json';

export const gridColumns = 24;
const cellHeight = 30;
const cellMargin = 8;
const minPanelHeight = cellHeight * 3;
const defaultRowHeight = 250;
/** Rows were twelve columns wide. */
const spanFactor = gridColumns / 12;
const defaultSpan = 4;
const defaultSize = { w: 12, h: 8 };

/** Places panels in reading order at the highest and then leftmost free position, as old rows did. */
class Shelf {
  private readonly tops: number[];

  constructor(top: number) {
    this.tops = new Array<number>(gridColumns).fill(top);
  }

  add(w: number, h: number): GridPos {
    let best = { x: 0, y: Infinity };
    for (let x = 0; x + w <= gridColumns; x++) {
      const y = Math.max(...this.tops.slice(x, x + w));
      if (y < best.y) {
        best = { x, y };
      }
    }
    this.tops.fill(best.y + h, best.x, best.x + w);
    return { ...best, w, h };
  }

  get bottom(): number {
    return Math.max(...this.tops);
  }
}

/** Grid cells for a height in pixels, given as a number, "250" or "250px". */
export function gridHeight(height: unknown): number {
  const pixels = num(typeof height === 'string' ? height.replace(/px$/, '') : height) || defaultRowHeight;
  return Math.ceil(Math.max(pixels, minPanelHeight) / (cellHeight + cellMargin));
}

/** Converts `rows` from schema versions before 16 to panels on the grid; existing panels stay above them. */
export function flattenRows(rows: unknown, panels: Json[]): Json[] {
  const list = objs(rows).filter((row) => row.repeatIteration === undefined || row.repeatIteration === null);
  const showRows = list.some((row) => row.collapse === true || row.showTitle === true || text(row.repeat));
  const result = [...panels];
  let y = panels.reduce((bottom, panel) => Math.max(bottom, bottomOf(panel)), 0);
  for (const row of list) {
    const height = gridHeight(row.height);
    let target = result;
    let header: Json | undefined;
    if (showRows) {
      header = compact({
        type: 'row',
        title: text(row.title) ?? '',
        collapsed: row.collapse === true,
        repeat: text(row.repeat),
        panels: [],
        gridPos: { x: 0, y, w: gridColumns, h: 1 },
      });
      result.push(header);
      y++;
    }
    const collapsed = header?.collapsed === true;
    if (collapsed) {
      target = (header as { panels: Json[] }).panels;
    }
    const shelf = new Shelf(y);
    for (const panel of objs(row.panels)) {
      placeInRow(panel, shelf, height);
      target.push(panel);
    }
    y = collapsed ? y : Math.max(shelf.bottom, y + (objs(row.panels).length > 0 ? height : 0));
  }
  return result;
}

function placeInRow(panel: Json, shelf: Shelf, rowHeight: number): void {
  if (!isGridPos(panel.gridPos)) {
    const span = num(panel.span) ?? defaultSpan;
    const w = Math.min(gridColumns, Math.max(spanFactor, Math.floor(span) * spanFactor));
    panel.gridPos = shelf.add(w, panel.height ? gridHeight(panel.height) : rowHeight);
  }
  if (num(panel.minSpan) !== undefined) {
    panel.minSpan = Math.min(gridColumns, spanFactor * num(panel.minSpan)!);
  }
  delete panel.span;
  delete panel.height;
}

/** Converts minSpan (minimum width of a repeated panel, in columns) to maxPerRow, a divisor of the number of columns. */
export function maxPerRow(minSpan: unknown): number | undefined {
  const span = num(minSpan);
  if (span === undefined || span <= 0) {
    return undefined;
  }
  const most = gridColumns / span;
  return [24, 12, 8, 6, 4, 3, 2, 1].find((n) => n <= most) ?? 1;
}

function isGridPos(value: unknown): value is Json {
  return isObject(value) && num(value.w) !== undefined && num(value.h) !== undefined;
}

function bottomOf(panel: Json): number {
  const pos = obj(panel.gridPos);
  return (num(pos.y) ?? 0) + (num(pos.h) ?? 0);
}

/** Clamps a position to the grid: whole cells, at least one, not past the right edge. */
function clampPos(value: Json): GridPos {
  const w = Math.min(gridColumns, Math.max(1, Math.round(num(value.w) ?? defaultSize.w)));
  const h = Math.max(1, Math.round(num(value.h) ?? defaultSize.h));
  const x = Math.min(gridColumns - w, Math.max(0, Math.round(num(value.x) ?? 0)));
  const y = Math.max(0, Math.round(num(value.y) ?? 0));
  return compact({ x, y, w, h, static: bool(value.static) });
}

/**
 * Gives every panel a gridPos: panels without one are placed two per row below the panels that precede them in the
 * list. If panels overlap, the later one in reading order moves down.
 */
export function placePanels(panels: Json[]): void {
  placeList(panels, 0);
  for (const row of panels) {
    const children = objs(row.panels);
    if (row.type === 'row' && children.length > 0) {
      placeList(children, bottomOf(row));
    }
  }
}

function placeList(panels: Json[], top: number): void {
  let shelf: Shelf | undefined;
  let bottom = top;
  for (const panel of panels) {
    if (panel.type === 'row') {
      const y = num(obj(panel.gridPos).y);
      const pos = { x: 0, y: y === undefined ? (shelf?.bottom ?? bottom) : y, w: gridColumns, h: 1 };
      panel.gridPos = clampPos(pos);
      shelf = undefined;
    } else if (isGridPos(panel.gridPos)) {
      panel.gridPos = clampPos(panel.gridPos);
    } else {
      shelf ??= new Shelf(bottom);
      const size = obj(panel.gridPos);
      const pos = clampPos({ ...defaultSize, w: size.w ?? defaultSize.w, h: size.h ?? defaultSize.h });
      panel.gridPos = shelf.add(pos.w, pos.h);
    }
    bottom = Math.max(bottom, bottomOf(panel));
  }
  separate(panels);
}

function separate(panels: Json[]): void {
  const placed: GridPos[] = [];
  const order = panels.map((panel) => panel.gridPos as GridPos).sort((a, b) => a.y - b.y || a.x - b.x);
  for (const pos of order) {
    for (let hit = placed.find((other) => overlap(pos, other)); hit; hit = placed.find((other) => overlap(pos, other))) {
      pos.y = hit.y + hit.h;
    }
    placed.push(pos);
  }
}

export function overlap(a: GridPos, b: GridPos): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
