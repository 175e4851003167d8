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

/** The drawer or dialog that is open. */
export type DashboardDialog = 'save' | 'saveAs' | 'json' | 'versions' | 'settings' | 'delete';

export interface DashboardState extends SceneObjectState {
  /** The migrated JSON; everything else is built from it. */
  model: Dashboard;
  meta: DashboardMeta;
  /** What users should know about this dashboard, such as parts that could not be read. */
  notices: string[];
  body: DashboardGrid;
  variables: VariableValueSelectors;
  timePicker: SceneTimePicker;
  refreshPicker: SceneRefreshPicker;
  /** Key of the panel shown in full view. */
  viewPanel?: string;
  /** Key of the panel being edited. */
  editPanel?: string;
  /** The edited panel with its current changes. */
  preview?: VizPanel;
  /** Key of the panel being inspected. */
  inspect?: string;
  inspectTab?: InspectTab;
  /** Without menus and controls. */
  kiosk?: boolean;
  isDirty?: boolean;
  /** The actions that can be undone and redone. */
  undo?: string;
  redo?: string;
  dialog?: DashboardDialog;
}

/** What the parts of a dashboard know about the whole: its state and its panels. */
export class DashboardBase extends SceneObjectBase<DashboardState> {
  /** Passed on between the scenes of one dashboard. */
  history = new History();

  /** Whether editing is available at all. */
  get mayEdit(): boolean {
    return may('Editor') && this.state.meta.canEdit !== false;
  }

  /** The panel with a key, or with an id as in older links. */
  findPanel(key: string): VizPanel | undefined {
    const wanted = /^\d+$/.test(key) ? `panel-${key}` : key;
    const found = sceneGraph.findObject(this, (o) => o instanceof VizPanel && o.state.key === wanted);
    return found instanceof VizPanel ? found : undefined;
  }

  /** All panels, including those in collapsed rows. */
  panels(): VizPanel[] {
    return sceneGraph.findAllObjects(this, (o) => o instanceof VizPanel) as VizPanel[];
  }

  /** Applies an undoable change to the dashboard; `what` is its name in buttons. */
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
      // Values assigned by the server since then are kept.
      const { id, uid, version } = this.state.model;
      this.show({ ...step.model, id, uid, version }, step.dirty);
    }
  }

  /** Shows the same dashboard with changed JSON. */
  protected show(model: Dashboard, isDirty: boolean) {
    this.setState({ model, isDirty, ...this.history.names });
  }
}
