import type { Dashboard } from '@grafana/schema';

import { dashboards, type DashboardMeta } from '../api/dashboards';
import { migrateDashboard } from './migrate';
import { DashboardScene } from './scene/DashboardScene';

/** Requests a dashboard from the server and builds its scene. */
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
