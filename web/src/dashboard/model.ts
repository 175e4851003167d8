import type { Dashboard, Panel } from '@grafana/schema';

/** Panels and rows as JSON has them; a closed row holds its panels. */
export type PanelJson = Panel & { panels?: PanelJson[]; collapsed?: boolean };

/** A row with its panels in reading order; those that belong to no row have none. */
export interface Section {
  row?: PanelJson;
  panels: PanelJson[];
}

/** Every panel and row, those in closed rows too. */
export function allPanels(model: Dashboard): PanelJson[] {
  return ((model.panels ?? []) as PanelJson[]).flatMap((p) => [p, ...(p.panels ?? [])]);
}

/** The panel of an id, in open and closed rows. */
export function findPanelJson(model: Dashboard, id: number): PanelJson | undefined {
  return allPanels(model).find((p) => p.id === id);
}

/** The same dashboard with one panel replaced, added (when its id is new) or removed (when `panel` is undefined). */
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

/** Rows with their panels: those in it when the row is closed, those that follow it when it is open. */
export function sectionsOf(panels: readonly Panel[]): Section[] {
  const found: Section[] = [{ panels: [] }];
  for (const panel of ([...panels] as PanelJson[]).sort(byPlace)) {
    if (panel.type !== 'row') {
      found[found.length - 1]!.panels.push(panel);
      continue;
    }
    found.push({ row: panel, panels: [...(panel.panels ?? [])].sort(byPlace) });
    if (panel.collapsed) {
      // What follows a closed row is not in it.
      found.push({ panels: [] });
    }
  }
  return found.filter(({ row, panels: own }) => row || own.length > 0);
}

function byPlace(a: PanelJson, b: PanelJson): number {
  return (a.gridPos?.y ?? 0) - (b.gridPos?.y ?? 0) || (a.gridPos?.x ?? 0) - (b.gridPos?.x ?? 0);
}
