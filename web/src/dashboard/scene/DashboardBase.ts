import type { Dashboard } from '@grafana/schema';
import {
  sceneGraph,
  SceneObjectBase,
  VizPanel,
  type SceneObjectState,
  type SceneRefreshPicker,
  type SceneTimePicker,
  type VariableValueSelectors,
} from '@grafana/scenes';

import type { DashboardMeta } from '../../api/dashboards';
import { may } from '../../boot/role';
import type { DashboardGrid } from './DashboardGrid';
import { History } from './history';

export type InspectTab = 'data' | 'query' | 'json' | 'stats';

/** What is open beside a dashboard. */
export type DashboardDialog = 'save' | 'saveAs' | 'json' | 'versions' | 'settings' | 'delete';

export interface DashboardState extends SceneObjectState {
  /** The migrated JSON; everything else is built from it. */
  model: Dashboard;
  meta: DashboardMeta;
  /** What people should know about this dashboard, such as parts that could not be read. */
  notices: string[];
  body: DashboardGrid;
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
  /** What can be taken back and done again. */
  undo?: string;
  redo?: string;
  dialog?: DashboardDialog;
}

/** What the parts of a dashboard know of the whole: its state and where its panels are. */
export class DashboardBase extends SceneObjectBase<DashboardState> {
  /** Goes from scene to scene of one dashboard. */
  history = new History();

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

  /** Does something to the dashboard that can be taken back; `what` says it as a button does. */
  change(model: Dashboard, what: string) {
    if (model !== this.state.model) {
      this.history.record({ model: this.state.model, dirty: Boolean(this.state.isDirty), what });
      this.show(model, true);
    }
  }

  undo() {
    this.goTo(this.history.undo({ model: this.state.model, dirty: Boolean(this.state.isDirty) }));
  }

  redo() {
    this.goTo(this.history.redo({ model: this.state.model, dirty: Boolean(this.state.isDirty) }));
  }

  private goTo(step: { model: Dashboard; dirty: boolean } | undefined) {
    if (step) {
      // What the server has given it since stays with it.
      const { id, uid, version } = this.state.model;
      this.show({ ...step.model, id, uid, version }, step.dirty);
    }
  }

  /** Shows the same dashboard with other JSON. */
  protected show(model: Dashboard, isDirty: boolean) {
    this.setState({ model, isDirty, ...this.history.names });
  }
}
