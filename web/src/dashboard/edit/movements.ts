import type { Dashboard, GridPos } from '@grafana/schema';

import { overlap } from '../migrate/layout';
import { allPanels, sectionsOf, type PanelJson, type Section } from '../model';

/** The position of something on screen: a panel, a row or a copy of either, identified by the key from expandRepeats. */
export interface Cell {
  key: string;
  x: number;
  y: number;
  w: number;
  h: number;
  /** Set if the row is collapsed on screen, whatever the dashboard says. */
  closed?: boolean;
}

/** The id of the panel or row with a key; for copies, that of their source. */
export function idOf(key: string): number {
  return Number(/^panel-(\d+)/.exec(key)?.[1]);
}

export function isCopy(key: string): boolean {
  return !/^panel-\d+$/.test(key);
}

/**
 * Returns the dashboard as arranged on screen after something was dragged or resized. Copies of repeats follow their
 * source. Returns undefined if the panel was dropped in an invalid place: among the copies of a row's panels.
 */
export function arranged(model: Dashboard, cells: readonly Cell[], moved: string): Dashboard | undefined {
  const before = sectionsOf(model.panels as PanelJson[]);
  const home = new Map(before.flatMap((section) => section.panels.map((p) => [p.id, section] as const)));
  const drops = sectionsOnScreen(before, home, cells, moved);
  if (!drops) {
    return undefined;
  }
  const movedRow = drops.findIndex((drop) => drop.row && `panel-${drop.row.id}` === moved);
  if (movedRow > 0) {
    keepTogether(drops, movedRow, home);
  }
  return stacked(
    model,
    drops.map(({ row, closed, cells: own, panels }, i) => ({
      // In JSON, panels below an open row belong to it, so for panels to be below but outside a row, it must be collapsed.
      row: row && closed && !row.collapsed && drops[i + 1]?.cells.length && !drops[i + 1]!.row ? { ...row, collapsed: true } : row,
      panels: closed ? panels : withoutCopies(own, cells),
    }))
  );
}

interface Drop extends Section {
  closed?: boolean;
  cells: Array<{ cell: Cell; panel: PanelJson }>;
}

/** Assigns panels to rows by position: a row contains the panels below it, up to the next row. */
function sectionsOnScreen(before: Section[], home: Map<number | undefined, Section>, cells: readonly Cell[], moved: string): Drop[] | undefined {
  const rows = new Map(before.flatMap((section) => (section.row ? [[section.row.id, section] as const] : [])));
  const panels = new Map(before.flatMap((section) => section.panels.map((p) => [p.id, p] as const)));
  const drops: Drop[] = [{ panels: [], cells: [] }];
  let belowCopy = false;
  for (const cell of [...cells].sort(byPlace)) {
    const id = idOf(cell.key);
    const section = rows.get(id);
    if (section) {
      belowCopy = isCopy(cell.key);
      drops.push(belowCopy ? { panels: [], cells: [] } : { ...section, closed: cell.closed, cells: [] });
      continue;
    }
    const panel = panels.get(id);
    if (!panel || isCopy(cell.key)) {
      continue;
    }
    if (belowCopy && cell.key === moved) {
      return undefined;
    }
    let drop = drops[drops.length - 1]!;
    const outside = cell.key !== moved && !home.get(id)?.row;
    if (drop.row && (drop.closed || (drop.row.collapsed && outside))) {
      drop = { panels: [], cells: [] };
      drops.push(drop);
    }
    drop.cells.push({ cell, panel });
  }
  return drops;
}

/** A row dropped among the panels of another row goes below them. */
function keepTogether(drops: Drop[], at: number, home: Map<number | undefined, Section>) {
  const [above, below] = [drops[at - 1]!, drops[at + 1]];
  if (!above.row || above.closed || !below || below.row) {
    return;
  }
  const theirs = below.cells.filter(({ panel }) => home.get(panel.id)?.row?.id === above.row!.id);
  above.cells.push(...theirs);
  below.cells = below.cells.filter((each) => !theirs.includes(each));
}

/** Removes the space that copies take up: the inverse of how expandRepeats shifts panels below a repeated one. */
function withoutCopies(own: Drop['cells'], cells: readonly Cell[]): PanelJson[] {
  const bottoms = new Map<string, number>();
  for (const cell of cells) {
    const source = cell.key.replace(/-clone-\d+$/, '');
    bottoms.set(source, Math.max(bottoms.get(source) ?? 0, cell.y + cell.h));
  }
  let shift = 0;
  let pending = 0;
  let line = -Infinity;
  return own.map(({ cell, panel }) => {
    if (cell.y - shift > line) {
      shift += pending;
      pending = 0;
      line = cell.y - shift;
    }
    pending = Math.max(pending, bottoms.get(cell.key)! - cell.y - cell.h);
    const pos = { ...panel.gridPos!, x: cell.x, y: cell.y - shift, w: cell.w, h: cell.h };
    // Horizontal copies share the full width, regardless of the width of their source.
    return withPos(panel, panel.repeat && panel.repeatDirection !== 'v' ? { ...pos, x: panel.gridPos!.x, w: panel.gridPos!.w } : pos);
  });
}

/** Duplicates a panel: next to it if there is space, otherwise below it. */
export function duplicated(model: Dashboard, id: number): Dashboard {
  return inSectionOf(model, id, (section, at) => {
    const panel = section.panels[at]!;
    const { x, y, w, h } = panel.gridPos!;
    const beside = { ...panel.gridPos!, x: x + w };
    const free = x + 2 * w <= 24 && !section.panels.some((p) => overlap(p.gridPos!, beside));
    const copy = { ...structuredClone(panel), id: nextId(model), gridPos: free ? beside : { ...panel.gridPos!, x, y: y + h } };
    // Panels that start at the same position as the copy give way to it because they come later.
    return { ...section, panels: [copy, ...section.panels] };
  });
}

export function removed(model: Dashboard, id: number): Dashboard {
  return inSectionOf(model, id, (section, at) => ({ ...section, panels: section.panels.filter((_, i) => i !== at) }));
}

/** Adds a panel from elsewhere at the top, where it is visible. */
export function pasted(model: Dashboard, panel: PanelJson): Dashboard {
  const sections = sectionsOf(model.panels as PanelJson[]);
  const { w = 12, h = 8 } = panel.gridPos ?? {};
  const fresh = { ...structuredClone(panel), id: nextId(model), gridPos: { x: 0, y: 0, w: Math.min(24, w), h } };
  return stacked(model, [{ panels: [fresh] }, ...sections]);
}

/**
 * Moves a panel one step: sideways by one column if there is space, otherwise past its neighbor; up and down past the
 * next panel.
 */
export function nudged(model: Dashboard, id: number, dx: number, dy: number): Dashboard {
  return inSectionOf(model, id, (section, at) => {
    const panel = section.panels[at]!;
    const others = section.panels.filter((_, i) => i !== at);
    const moved = dy === 0 ? sideways(panel, others, dx) : pastOne(panel, others, dy);
    return moved ? { ...section, panels: moved } : section;
  });
}

function sideways(panel: PanelJson, others: PanelJson[], dx: number): PanelJson[] | undefined {
  const pos = panel.gridPos!;
  const next = { ...pos, x: pos.x + dx };
  if (next.x < 0 || next.x + next.w > 24) {
    return undefined;
  }
  const hit = others.find((p) => overlap(p.gridPos!, next));
  if (!hit) {
    return [withPos(panel, next), ...others];
  }
  const theirs = hit.gridPos!;
  const left = Math.min(pos.x, theirs.x);
  const [x, theirX] = dx < 0 ? [left, left + pos.w] : [left + theirs.w, left];
  return [withPos(panel, { ...pos, x }), ...others.map((p) => (p === hit ? withPos(p, { ...theirs, x: theirX }) : p))];
}

function pastOne(panel: PanelJson, others: PanelJson[], dy: number): PanelJson[] | undefined {
  const pos = panel.gridPos!;
  const columns = others.map((p) => p.gridPos!).filter((p) => p.x < pos.x + pos.w && pos.x < p.x + p.w);
  const tops = columns.filter((p) => p.y < pos.y).map((p) => p.y);
  const bottoms = columns.filter((p) => p.y > pos.y).map((p) => p.y + p.h);
  const y = dy < 0 ? Math.max(...tops) : Math.min(...bottoms);
  return Number.isFinite(y) ? [withPos(panel, { ...pos, y }), ...others] : undefined;
}

export function rowRenamed(model: Dashboard, id: number, title: string): Dashboard {
  return withRow(model, id, (row) => ({ ...row, title }));
}

/** Sets whether a row is collapsed when the dashboard is opened. */
export function rowCollapsed(model: Dashboard, id: number, collapsed: boolean): Dashboard {
  return withRow(model, id, (row) => ({ ...row, collapsed }));
}

/** Removes a row; its panels are removed with it or join what is above. */
export function rowRemoved(model: Dashboard, id: number, withPanels: boolean): Dashboard {
  const sections = sectionsOf(model.panels as PanelJson[]);
  return stacked(
    model,
    sections.flatMap((section) => (section.row?.id !== id ? [section] : withPanels ? [] : [{ panels: section.panels }]))
  );
}

/** Swaps a row with the previous (-1) or next (1) one, each with its panels. */
export function rowMoved(model: Dashboard, id: number, by: -1 | 1): Dashboard {
  const blocks: Section[][] = [];
  for (const section of sectionsOf(model.panels as PanelJson[])) {
    // Panels after a collapsed row move with it because they would otherwise end up in another row.
    if (section.row || blocks.length === 0) {
      blocks.push([section]);
    } else {
      blocks[blocks.length - 1]!.push(section);
    }
  }
  const at = blocks.findIndex(([first]) => first!.row?.id === id);
  const other = blocks[at + by];
  if (at < 0 || !other?.[0]!.row) {
    return model;
  }
  [blocks[at], blocks[at + by]] = [other, blocks[at]!];
  return stacked(model, blocks.flat());
}

/** Adds an empty row at the bottom. */
export function rowAdded(model: Dashboard): Dashboard {
  const row = { id: nextId(model), type: 'row', title: 'New row', collapsed: false, panels: [], gridPos: { x: 0, y: 0, w: 24, h: 1 } } as unknown as PanelJson;
  return stacked(model, [...sectionsOf(model.panels as PanelJson[]), { row, panels: [] }]);
}

/** Shows or hides the legend if the panel has one. */
export function legendToggled(model: Dashboard, id: number): Dashboard {
  return inSectionOf(model, id, (section, at) => {
    const panel = section.panels[at]!;
    const options = (panel.options ?? {}) as { legend?: { showLegend?: boolean } };
    if (!options.legend) {
      return section;
    }
    const legend = { ...options.legend, showLegend: options.legend.showLegend === false };
    return { ...section, panels: section.panels.with(at, { ...panel, options: { ...options, legend } }) };
  });
}

function nextId(model: Dashboard): number {
  return Math.max(0, ...allPanels(model).map((p) => p.id ?? 0)) + 1;
}

function withRow(model: Dashboard, id: number, change: (row: PanelJson) => PanelJson): Dashboard {
  return stacked(
    model,
    sectionsOf(model.panels as PanelJson[]).map((section) => (section.row?.id === id ? { ...section, row: change(section.row) } : section))
  );
}

function inSectionOf(model: Dashboard, id: number, change: (section: Section, at: number) => Section): Dashboard {
  let found = false;
  const sections = sectionsOf(model.panels as PanelJson[]).map((section) => {
    const at = section.panels.findIndex((p) => p.id === id);
    found ||= at >= 0;
    return at < 0 ? section : change(section, at);
  });
  return found ? stacked(model, sections) : model;
}

/** Builds a dashboard from rows and panels stacked from top to bottom. Unchanged objects are reused. */
function stacked(model: Dashboard, sections: Section[]): Dashboard {
  let y = 0;
  const panels = joined(sections).flatMap(({ row, panels: own }) => {
    const top = y + (row ? 1 : 0);
    const { placed, height } = settled(own, top);
    const header = row && withPos(row, { ...row.gridPos!, x: 0, y, w: 24, h: 1 });
    y = top + (row?.collapsed ? 0 : height);
    if (!header) {
      return placed;
    }
    return header.collapsed ? [withPanels(header, placed)] : [withPanels(header, []), ...placed];
  });
  return { ...model, panels } as Dashboard;
}

/** Panels without a row that follow an open one become part of it, below its own panels. */
function joined(sections: Section[]): Section[] {
  const found: Section[] = [];
  for (const section of sections) {
    const last = found[found.length - 1];
    if (section.row || !last || last.row?.collapsed) {
      found.push(section);
    } else {
      const { placed, height } = settled(last.panels);
      found[found.length - 1] = { ...last, panels: [...placed, ...settled(section.panels, height).placed] };
    }
  }
  return found;
}

/** Moves panels up as far as possible, as the grid on screen does; of two panels in the same place, the first one stays. */
function settled(panels: PanelJson[], top = 0): { placed: PanelJson[]; height: number } {
  const done: GridPos[] = [];
  const order = [...panels].sort((a, b) => byPlace(a.gridPos!, b.gridPos!));
  const placed = order.map((panel) => {
    const pos = { ...panel.gridPos! };
    const inColumns = done.filter((other) => pos.x < other.x + other.w && other.x < pos.x + pos.w);
    if (!inColumns.some((other) => overlap(pos, other))) {
      pos.y = Math.max(0, ...inColumns.filter((other) => other.y + other.h <= pos.y).map((other) => other.y + other.h));
    }
    for (let hit = inColumns.find((other) => overlap(pos, other)); hit; hit = inColumns.find((other) => overlap(pos, other))) {
      pos.y = hit.y + hit.h;
    }
    done.push(pos);
    return withPos(panel, { ...pos, y: pos.y + top });
  });
  placed.sort((a, b) => byPlace(a.gridPos!, b.gridPos!));
  return { placed, height: Math.max(0, ...done.map((pos) => pos.y + pos.h)) };
}

function withPos(panel: PanelJson, pos: GridPos): PanelJson {
  const { x, y, w, h } = panel.gridPos!;
  return x === pos.x && y === pos.y && w === pos.w && h === pos.h ? panel : { ...panel, gridPos: pos };
}

function withPanels(row: PanelJson, panels: PanelJson[]): PanelJson {
  const before = row.panels ?? [];
  return before.length === panels.length && before.every((p, i) => p === panels[i]) ? row : { ...row, panels };
}

function byPlace(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return a.y - b.y || a.x - b.x;
}
