import { getDataSourceSrv, locationService } from '@grafana/runtime';
import { sceneUtils } from '@grafana/scenes';
import type { Dashboard } from '@grafana/schema';

import { migrateDashboard } from '../migrate';
import { allPanels, withPanel, type PanelJson } from '../model';
import { DashboardScene } from '../scene/DashboardScene';

/** Creates a scene from changed JSON that keeps the current time range and variables; `what` names the change for undo. */
export function withModel(scene: DashboardScene, model: Dashboard, what: string): DashboardScene {
  scene.history.record({ model: scene.state.model, dirty: Boolean(scene.state.isDirty), what });
  return sceneLike(scene, model, true);
}

/** Creates a scene from other JSON that replaces another one, with its time range, variables and history. */
export function sceneLike(scene: DashboardScene, model: Dashboard, isDirty: boolean): DashboardScene {
  const { dashboard, notices } = migrateDashboard(model);
  const next = new DashboardScene(dashboard, scene.state.meta, notices);
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(sceneUtils.getUrlState(scene))) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined) {
        search.append(name, String(one));
      }
    }
  }
  sceneUtils.syncStateFromSearchParams(next, search);
  next.history = scene.history;
  next.setState({ isDirty, ...scene.history.names });
  return next;
}

/** Adds a new panel below all others and opens it in the editor. */
export function addPanel(scene: DashboardScene): DashboardScene {
  const panels = allPanels(scene.state.model);
  const id = Math.max(0, ...panels.map((p) => p.id ?? 0)) + 1;
  const y = Math.max(0, ...panels.map((p) => (p.gridPos?.y ?? 0) + (p.gridPos?.h ?? 0)));
  const panel = {
    id,
    type: 'timeseries',
    title: 'New panel',
    gridPos: { x: 0, y, w: 12, h: 8 },
    datasource: { type: 'prometheus', uid: getDataSourceSrv().getInstanceSettings({ type: 'prometheus' })?.uid ?? 'prometheus' },
    targets: [{ refId: 'A', expr: '' }],
    fieldConfig: { defaults: {}, overrides: [] },
    options: {},
  } as unknown as PanelJson;
  const next = withModel(scene, withPanel(scene.state.model, id, panel), 'Add a panel');
  next.setState({ editPanel: `panel-${id}` });
  locationService.partial({ editPanel: `panel-${id}` });
  return next;
}
