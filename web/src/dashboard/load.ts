import type { Dashboard, Panel } from '@grafana/schema';

import { dashboards, type DashboardMeta } from '../api/dashboards';
import { migrateDashboard } from './migrate';
import { DashboardScene } from './scene/DashboardScene';

/** Asks the server for a dashboard and builds its scene. */
export async function loadDashboard(uid: string): Promise<DashboardScene> {
  const { dashboard, meta } = await dashboards.shown(uid);
  return sceneOf(dashboard, meta);
}

export function sceneOf(json: unknown, meta: DashboardMeta): DashboardScene {
  const { dashboard, notices } = migrateDashboard(json);
  return new DashboardScene(dashboard, meta, [...(meta.notices ?? []), ...notices]);
}

/** A dashboard without panels. */
export function emptyDashboard(): Dashboard {
  return {
    title: 'New dashboard',
    schemaVersion: 42,
    panels: [],
    time: { from: 'now-6h', to: 'now' },
    editable: true,
    tags: [],
    templating: { list: [] },
    annotations: { list: [] },
    links: [],
    timezone: 'browser',
  } as unknown as Dashboard;
}

/** The panel of an id, in open and closed rows. */
export function findPanelJson(model: Dashboard, id: number): PanelJson | undefined {
  return allPanels(model).find((p) => p.id === id);
}

/** Panels and rows as JSON has them; a closed row holds its panels. */
export type PanelJson = Panel & { panels?: PanelJson[] };

export function allPanels(model: Dashboard): PanelJson[] {
  return ((model.panels ?? []) as PanelJson[]).flatMap((p) => [p, ...(p.panels ?? [])]);
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
