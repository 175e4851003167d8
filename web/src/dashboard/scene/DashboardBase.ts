import type { Dashboard } from '@grafana/schema';
import {
  sceneGraph,
  SceneObjectBase,
  VizPanel,
  type SceneGridLayout,
  type SceneObjectState,
  type SceneRefreshPicker,
  type SceneTimePicker,
  type VariableValueSelectors,
} from '@grafana/scenes';

import type { DashboardMeta } from '../../api/dashboards';
import { may } from '../../boot/role';

export type InspectTab = 'data' | 'query' | 'json' | 'stats';

export interface DashboardState extends SceneObjectState {
  /** The migrated JSON; everything else is built from it. */
  model: Dashboard;
  meta: DashboardMeta;
  /** What people should know about this dashboard, such as parts that could not be read. */
  notices: string[];
  body: SceneGridLayout;
  variables: VariableValueSelectors;
  timePicker: SceneTimePicker;
  refreshPicker: SceneRefreshPicker;
  /** Key of the panel that fills the page. */
  viewPanel?: string;
  /** Key of the panel that is edited. */
  editPanel?: string;
  /** The edited panel with the changes so far. */
  preview?: VizPanel;
  /** Key of the panel whose data and queries are shown. */
  inspect?: string;
  inspectTab?: InspectTab;
  /** Without menus and controls. */
  kiosk?: boolean;
  isDirty?: boolean;
}

/** What the parts of a dashboard know of the whole: its state and where its panels are. */
export class DashboardBase extends SceneObjectBase<DashboardState> {
  /** Whether changes are offered at all. */
  get mayEdit(): boolean {
    return may('Editor') && this.state.meta.canEdit !== false;
  }

  /** The panel with a key, or with an id as older links have it. */
  findPanel(key: string): VizPanel | undefined {
    const wanted = /^\d+$/.test(key) ? `panel-${key}` : key;
    const found = sceneGraph.findObject(this, (o) => o instanceof VizPanel && o.state.key === wanted);
    return found instanceof VizPanel ? found : undefined;
  }

  /** Every panel, those in closed rows too. */
  panels(): VizPanel[] {
    return sceneGraph.findAllObjects(this, (o) => o instanceof VizPanel) as VizPanel[];
  }
}
