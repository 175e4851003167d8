import type { Dashboard, Panel } from '@grafana/schema';

/** Panels and rows as in JSON; a collapsed row contains its panels. */
export type PanelJson = Panel & { panels?: PanelJson[]; collapsed?: boolean };

/** A row with its panels in reading order; a section of panels outside of rows has no row. */
export interface Section {
  row?: PanelJson;
  panels: PanelJson[];
}

/** All panels and rows, including those in collapsed rows. */
export function allPanels(model: Dashboard): PanelJson[] {
  return ((model.panels ?? []) as PanelJson[]).flatMap((p) => [p, ...(p.panels ?? [])]);
}

/** The panel with an id, in open or collapsed rows. */
export function findPanelJson(model: Dashboard, id: number): PanelJson | undefined {
  return allPanels(model).find((p) => p.id === id);
}

/** The same dashboard with one panel replaced, added (if its id is new) or removed (if `panel` is undefined). */
export function withPanel(model: Dashboard, id: number, panel: PanelJson | undefined): Dashboard {
  let found = false;
  const replace = (list: PanelJson[]): PanelJson[] =>
    list.flatMap((p) => {
      if (p.id === id) {
        found = true;
        return panel ? [panel] : [];
      }
      return p.panels ? [{ ...p, panels: replace(p.panels) } as PanelJson] : [p];
    });
  const panels = replace((model.panels ?? []) as PanelJson[]);
  if (!found && panel) {
    panels.push(panel);
  }
  return { ...model, panels } as Dashboard;
}

/** Rows with their panels: those inside a collapsed row, and those that follow an open one. */
export function sectionsOf(panels: readonly Panel[]): Section[] {
  const found: Section[] = [{ panels: [] }];
  for (const panel of ([...panels] as PanelJson[]).sort(byPlace)) {
    if (panel.type !== 'row') {
      found[found.length - 1]!.panels.push(panel);
      continue;
    }
    found.push({ row: panel, panels: [...(panel.panels ?? [])].sort(byPlace) });
    if (panel.collapsed) {
      // Panels after a collapsed row are not part of it.
      found.push({ panels: [] });
    }
  }
  return found.filter(({ row, panels: own }) => row || own.length > 0);
}

function byPlace(a: PanelJson, b: PanelJson): number {
  return (a.gridPos?.y ?? 0) - (b.gridPos?.y ?? 0) || (a.gridPos?.x ?? 0) - (b.gridPos?.x ?? 0);
}
