import type { Panel } from '@grafana/schema';

import { sectionsOf, type Section as Group } from '../model';

/** The width of a dashboard, in columns. */
export const columns = 24;

/** The value of a variable inside one copy of a repeat. */
export interface ScopedValue {
  name: string;
  value: string;
  text: string;
}

/** One copy of a panel with its position. */
export interface PlacedPanel {
  key: string;
  panel: Panel;
  x: number;
  y: number;
  w: number;
  h: number;
  scoped: ScopedValue[];
  /** Key of the panel that this is a copy of. */
  source?: string;
}

/** A row with the panels below it; panels above the first row have none. */
export interface Section {
  row?: { key: string; panel: Panel; y: number; collapsed: boolean; scoped: ScopedValue[]; source?: string };
  panels: PlacedPanel[];
}

/** The selected values of a variable, or undefined if the variable does not exist. */
export type ValuesOf = (variable: string) => Array<{ value: string; text: string }> | undefined;

/**
 * Lays out all panels, with a copy for each value of the variables that panels and rows repeat by. A key combines both
 * copies: panel-3-row-1-clone-2 is the third copy of panel 3 in the second copy of its row; first copies are omitted. A
 * row is collapsed as in the dashboard unless `isClosed` knows its state on screen.
 */
export function expandRepeats(panels: Panel[], valuesOf: ValuesOf, isClosed: (rowKey: string) => boolean | undefined = () => undefined): Section[] {
  const sections: Section[] = [];
  let y = 0;
  for (const group of sectionsOf(panels)) {
    for (const copy of rowCopies(group, valuesOf)) {
      const top = y + (group.row ? 1 : 0);
      const { placed, height } = place(group.panels, top, copy, valuesOf);
      const key = `panel-${group.row?.id}${copy.row > 0 ? `-clone-${copy.row}` : ''}`;
      const collapsed = isClosed(key) ?? group.row?.collapsed === true;
      sections.push({
        row: group.row && { key, panel: group.row, y, collapsed, scoped: copy.scoped, source: copy.row > 0 ? `panel-${group.row.id}` : undefined },
        panels: placed,
      });
      y = top + (collapsed ? 0 : height);
    }
  }
  return sections;
}

/** Names of the variables used by repeats. */
export function repeatVariables(panels: Panel[]): string[] {
  const names = new Set<string>();
  for (const group of sectionsOf(panels)) {
    for (const panel of [group.row, ...group.panels]) {
      if (panel?.repeat) {
        names.add(panel.repeat);
      }
    }
  }
  return [...names];
}

interface Copy {
  scoped: ScopedValue[];
  /** Index of the row's copy; the first one keeps the keys of the originals. */
  row: number;
}

function rowCopies(group: Group, valuesOf: ValuesOf): Copy[] {
  const name = group.row?.repeat;
  const values = name ? valuesOf(name) : undefined;
  if (!name || !values?.length) {
    return [{ scoped: [], row: 0 }];
  }
  return values.map(({ value, text }, row) => ({ scoped: [{ name, value, text }], row }));
}

function place(panels: Panel[], top: number, copy: Copy, valuesOf: ValuesOf): { placed: PlacedPanel[]; height: number } {
  const first = Math.min(...panels.map((p) => p.gridPos?.y ?? 0));
  const placed: PlacedPanel[] = [];
  let shift = 0;
  let height = 0;
  let lastY = 0;
  let pending = 0;
  for (const panel of panels) {
    const pos = { x: panel.gridPos?.x ?? 0, y: (panel.gridPos?.y ?? 0) - first, w: panel.gridPos?.w ?? 12, h: panel.gridPos?.h ?? 8 };
    if (pos.y > lastY) {
      // Panels next to a repeated one stay; those below make way for its copies.
      shift += pending;
      pending = 0;
      lastY = pos.y;
    }
    const copies = panelCopies(panel, { ...pos, y: top + pos.y + shift }, copy, valuesOf);
    placed.push(...copies);
    const bottom = Math.max(...copies.map((c) => c.y + c.h));
    pending = Math.max(pending, bottom - (top + pos.y + shift + pos.h));
    height = Math.max(height, bottom - top);
  }
  return { placed, height };
}

function panelCopies(panel: Panel, at: { x: number; y: number; w: number; h: number }, copy: Copy, valuesOf: ValuesOf): PlacedPanel[] {
  const id = `panel-${panel.id}`;
  const base = copy.row > 0 ? `${id}-row-${copy.row}` : id;
  const own = copy.scoped.find((s) => s.name === panel.repeat);
  const values = panel.repeat && !own ? valuesOf(panel.repeat) : undefined;
  if (!panel.repeat || !values?.length) {
    return [{ key: base, panel, ...at, scoped: copy.scoped, source: copy.row > 0 ? id : undefined }];
  }
  const name = panel.repeat;
  const vertical = panel.repeatDirection === 'v';
  const perRow = vertical ? 1 : Math.min(values.length, panel.maxPerRow ?? 4);
  const w = vertical ? at.w : Math.floor(columns / perRow);
  return values.map(({ value, text }, i) => ({
    key: i === 0 ? base : `${base}-clone-${i}`,
    panel,
    w,
    h: at.h,
    x: vertical ? at.x : (i % perRow) * w,
    y: at.y + Math.floor(i / perRow) * at.h,
    scoped: [...copy.scoped, { name, value, text }],
    source: i === 0 && copy.row === 0 ? undefined : id,
  }));
}
