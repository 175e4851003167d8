import type { Dashboard, GridPos } from '@grafana/schema';

import { overlap } from '../migrate/layout';
import { allPanels, sectionsOf, type PanelJson, type Section } from '../model';

/** What lies where on the screen: panels, rows, and copies of both, by the keys that expandRepeats gives them. */
export interface Cell {
  key: string;
  x: number;
  y: number;
  w: number;
  h: number;
  /** A row that is closed on the screen, whatever the dashboard says. */
  closed?: boolean;
}

/** The id of the panel or row that a key stands for, of copies that of their source. */
export function idOf(key: string): number {
  return Number(/^panel-(\d+)/.exec(key)?.[1]);
}

export function isCopy(key: string): boolean {
  return !/^panel-\d+$/.test(key);
}

/**
 * The dashboard as it was left on the screen once something was dragged or resized. Copies of repeats follow what they are copies
 * of. Undefined when the panel was dropped where nothing can be: among the copies of a row's panels.
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
      // In JSON the panels below an open row are in it: to lie below one, they need it closed.
      row: row && closed && !row.collapsed && drops[i + 1]?.cells.length && !drops[i + 1]!.row ? { ...row, collapsed: true } : row,
      panels: closed ? panels : withoutCopies(own, cells),
    }))
  );
}

interface Drop extends Section {
  closed?: boolean;
  cells: Array<{ cell: Cell; panel: PanelJson }>;
}

/** Which panels are in which row now: those below it, up to the next one. */
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

/** A row that was dropped among the panels of another goes below them. */
function keepTogether(drops: Drop[], at: number, home: Map<number | undefined, Section>) {
  const [above, below] = [drops[at - 1]!, drops[at + 1]];
  if (!above.row || above.closed || !below || below.row) {
    return;
  }
  const theirs = below.cells.filter(({ panel }) => home.get(panel.id)?.row?.id === above.row!.id);
  above.cells.push(...theirs);
  below.cells = below.cells.filter((each) => !theirs.includes(each));
}

/** Panels without the room that copies take: the inverse of what expandRepeats does to those below a repeated panel. */
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
    // Copies beside each other share the whole width, whatever that of their source is.
    return withPos(panel, panel.repeat && panel.repeatDirection !== 'v' ? { ...pos, x: panel.gridPos!.x, w: panel.gridPos!.w } : pos);
  });
}

/** The same panel once more: beside it where there is room, else below it. */
export function duplicated(model: Dashboard, id: number): Dashboard {
  return inSectionOf(model, id, (section, at) => {
    const panel = section.panels[at]!;
    const { x, y, w, h } = panel.gridPos!;
    const beside = { ...panel.gridPos!, x: x + w };
    const free = x + 2 * w <= 24 && !section.panels.some((p) => overlap(p.gridPos!, beside));
    const copy = { ...structuredClone(panel), id: nextId(model), gridPos: free ? beside : { ...panel.gridPos!, x, y: y + h } };
    // What begins where the copy does makes room for it, since it comes later.
    return { ...section, panels: [copy, ...section.panels] };
  });
}

export function removed(model: Dashboard, id: number): Dashboard {
  return inSectionOf(model, id, (section, at) => ({ ...section, panels: section.panels.filter((_, i) => i !== at) }));
}

/** A panel that comes from elsewhere, at the top, where it is seen. */
export function pasted(model: Dashboard, panel: PanelJson): Dashboard {
  const sections = sectionsOf(model.panels as PanelJson[]);
  const { w = 12, h = 8 } = panel.gridPos ?? {};
  const fresh = { ...structuredClone(panel), id: nextId(model), gridPos: { x: 0, y: 0, w: Math.min(24, w), h } };
  return stacked(model, [{ panels: [fresh] }, ...sections]);
}

/** One step to a side: a column where there is room, else past the neighbour; up and down past what is there. */
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

/** How a row is when the dashboard is opened. */
export function rowCollapsed(model: Dashboard, id: number, collapsed: boolean): Dashboard {
  return withRow(model, id, (row) => ({ ...row, collapsed }));
}

/** A row goes; its panels go with it or to what is above. */
export function rowRemoved(model: Dashboard, id: number, withPanels: boolean): Dashboard {
  const sections = sectionsOf(model.panels as PanelJson[]);
  return stacked(
    model,
    sections.flatMap((section) => (section.row?.id !== id ? [section] : withPanels ? [] : [{ panels: section.panels }]))
  );
}

/** A row changes places with the one before (-1) or after it (1), each with its panels. */
export function rowMoved(model: Dashboard, id: number, by: -1 | 1): Dashboard {
  const blocks: Section[][] = [];
  for (const section of sectionsOf(model.panels as PanelJson[])) {
    // What follows a closed row stays with it, or it would end up in another.
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

/** An empty row below everything. */
export function rowAdded(model: Dashboard): Dashboard {
  const row = { id: nextId(model), type: 'row', title: 'New row', collapsed: false, panels: [], gridPos: { x: 0, y: 0, w: 24, h: 1 } } as unknown as PanelJson;
  return stacked(model, [...sectionsOf(model.panels as PanelJson[]), { row, panels: [] }]);
}

/** Shows or hides the legend, where the panel has one. */
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

/** The dashboard of these rows and panels, each below the one before. What has not changed is the same object. */
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

/** Panels in no row that come after an open one are in it, below its own. */
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

/** Panels moved up as far as they go, as the grid on the screen does it; of two in one place the first stays. */
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
