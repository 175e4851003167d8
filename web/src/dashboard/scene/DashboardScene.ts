import { CoreApp, type CustomVariableModel, type DataQueryRequest } from '@grafana/data';
import type { Dashboard, Panel } from '@grafana/schema';
import {
  behaviors,
  MultiValueVariable,
  SceneDataLayerSet,
  sceneGraph,
  SceneObjectUrlSyncConfig,
  SceneTimePicker,
  SceneTimeRange,
  VariableDependencyConfig,
  VariableValueSelectors,
  VizPanel,
  type SceneObject,
  type SceneObjectUrlValues,
  type VariableValueOption,
} from '@grafana/scenes';

import type { DashboardMeta } from '../../api/dashboards';
import { bootData } from '../../boot/bootData';
import { offerReport } from '../report';
import { buildAnnotations } from './annotations';
import { arranged, type Cell } from '../edit/movements';
import { allPanels } from '../model';
import { DashboardBase, type DashboardState, type InspectTab } from './DashboardBase';
import { DashboardGrid } from './DashboardGrid';
import { DashboardRefresh } from './DashboardRefresh';
import { DashboardView } from './DashboardView';
import { GridBuilder } from './grid';
import { repeatVariables, type ValuesOf } from './repeats';
import { openingFrom } from './openingRange';
import { buildVariables } from './variables';

type Rebuild = (model: Dashboard, isDirty: boolean) => void;

/** The scene of a dashboard. */
export class DashboardScene extends DashboardBase {
  static Component = DashboardView;

  protected _urlSync = new SceneObjectUrlSyncConfig(this, { keys: ['viewPanel', 'inspect', 'inspectTab', 'kiosk', 'editPanel'] });
  protected _variableDependency: VariableDependencyConfig<DashboardState>;
  private readonly grid: GridBuilder;
  private readonly saved: ValuesOf;
  private repeated = '';
  private rebuild?: Rebuild;

  constructor(model: Dashboard, meta: DashboardMeta, notices: string[] = []) {
    const panels = (model.panels ?? []) as Panel[];
    const grid = new GridBuilder(panels);
    const told = [...notices];
    const repeats = repeatVariables(panels);
    const saved = savedValues(model);
    super({
      model,
      meta,
      notices: told,
      $timeRange: timeRange(model, meta),
      $variables: buildVariables(model.templating?.list ?? [], told),
      $data: new SceneDataLayerSet({ layers: buildAnnotations(model) }),
      $behaviors: [
        new behaviors.CursorSync({ key: 'cursor-sync', sync: model.graphTooltip ?? 0 }),
        publishContext,
        (scene) => offerReport(scene as unknown as DashboardBase),
      ],
      body: new DashboardGrid(
        {
          key: 'grid',
          isLazy: true,
          isDraggable: false,
          isResizable: false,
          children: grid.children(repeats.length > 0 ? saved : () => undefined),
        },
        (cells, moved) => this.moved(cells, moved)
      ),
      variables: new VariableValueSelectors({}),
      timePicker: new SceneTimePicker({ hidePicker: model.timepicker?.hidden ?? false }),
      refreshPicker: new DashboardRefresh({ refresh: String(model.refresh || ''), intervals: model.timepicker?.refresh_intervals, minRefreshInterval: '1s' }),
    });
    this.grid = grid;
    this.saved = saved;
    this.allowMoves();
    this._variableDependency = new VariableDependencyConfig<DashboardState>(this, {
      variableNames: repeats,
      onVariableUpdateCompleted: () => this.repeat(),
    });
  }

  /** Sets the function that shows JSON in a new scene if it differs in more than the panels. */
  rebuildBy(rebuild: Rebuild): () => void {
    this.rebuild = rebuild;
    return () => {
      this.rebuild = undefined;
    };
  }

  protected override show(model: Dashboard, isDirty: boolean) {
    if (!sameButPanels(this.state.model, model)) {
      this.rebuild?.(model, isDirty);
      return;
    }
    const names = repeatVariables((model.panels ?? []) as Panel[]);
    this._variableDependency.setVariableNames(names);
    this.grid.replace((model.panels ?? []) as Panel[]);
    super.show(model, isDirty);
    const valuesOf: ValuesOf = this.repeated ? (name) => chosen(this, name) : this.saved;
    this.state.body.setState({ children: this.grid.children(names.length > 0 ? valuesOf : () => undefined) });
  }

  /** Handles a drag or resize. */
  private moved(cells: Cell[], key: string): boolean {
    const model = arranged(this.state.model, cells, key);
    if (model && placesOf(model) !== placesOf(this.state.model)) {
      this.change(model, 'Move');
    }
    return model !== undefined;
  }

  private allowMoves() {
    const moves = this.mayEdit && !this.state.kiosk;
    this.state.body.setState({ isDraggable: moves, isResizable: moves });
  }

  /** Lays out the copies of repeated panels and rows again if the selected values have changed. */
  private repeat() {
    const names = repeatVariables((this.state.model.panels ?? []) as Panel[]);
    if (names.length === 0) {
      return;
    }
    const valuesOf: ValuesOf = (name) => chosen(this, name);
    const now = JSON.stringify(names.map(valuesOf));
    if (now === this.repeated) {
      return;
    }
    this.repeated = now;
    this.state.body.setState({ children: this.grid.children(valuesOf) });
  }

  /** Information for data sources about the origin of a request. */
  enrichDataRequest(source: SceneObject): Partial<DataQueryRequest> {
    const panel = source instanceof VizPanel ? source : sceneGraph.findObject(source, (o) => o instanceof VizPanel);
    return {
      app: CoreApp.Dashboard,
      dashboardUID: this.state.model.uid,
      dashboardTitle: this.state.model.title,
      ...(panel instanceof VizPanel && { panelId: panel.getLegacyPanelId(), panelName: panel.state.title, panelPluginId: panel.state.pluginId }),
    };
  }

  getUrlState(): SceneObjectUrlValues {
    const { viewPanel, inspect, inspectTab, kiosk, editPanel } = this.state;
    return { viewPanel, inspect, inspectTab: inspect ? inspectTab : undefined, kiosk: kiosk ? '1' : undefined, editPanel };
  }

  updateFromUrl(values: SceneObjectUrlValues) {
    const one = (name: string) => (typeof values[name] === 'string' && values[name] !== '' ? values[name] : undefined);
    const next: Partial<DashboardState> = {};
    if ('viewPanel' in values) {
      next.viewPanel = one('viewPanel');
    }
    if ('inspect' in values) {
      next.inspect = one('inspect');
    }
    if ('inspectTab' in values) {
      next.inspectTab = one('inspectTab') as InspectTab | undefined;
    }
    if ('kiosk' in values) {
      next.kiosk = values['kiosk'] !== null && values['kiosk'] !== undefined;
    }
    if ('editPanel' in values) {
      next.editPanel = this.mayEdit ? one('editPanel') : undefined;
    }
    this.setState(next);
    this.allowMoves();
  }
}

function placesOf(model: Dashboard): string {
  return JSON.stringify(allPanels(model).map(({ id, gridPos, collapsed }) => [id, gridPos, collapsed]));
}

/** Whether everything except the panels is equal, so that variables, annotations and the time range can be kept. */
function sameButPanels(a: Dashboard, b: Dashboard): boolean {
  const rest = ({ panels: _, id: __, uid: ___, version: ____, ...more }: Dashboard) => more;
  return JSON.stringify(rest(a)) === JSON.stringify(rest(b));
}

/** For objects outside of a scene, data sources interpolate variables with the current dashboard. */
function publishContext(scene: unknown) {
  const dashboard = scene as DashboardScene;
  const before = window.__grafanaSceneContext;
  window.__grafanaSceneContext = dashboard;
  return () => {
    if (window.__grafanaSceneContext === dashboard) {
      window.__grafanaSceneContext = before;
    }
  };
}

function timeRange(model: Dashboard, meta: DashboardMeta): SceneTimeRange {
  const from = model.time?.from ?? 'now-6h';
  return new SceneTimeRange({
    from: meta.provisioned && meta.folderUid === 'ausguck' ? openingFrom(from, bootData.oldestSample) : from,
    to: model.time?.to ?? 'now',
    timeZone: model.timezone || undefined,
    fiscalYearStartMonth: model.fiscalYearStartMonth,
    UNSAFE_nowDelay: model.timepicker?.nowDelay,
    weekStart: (model.weekStart || undefined) as undefined,
  });
}

/** The selected values of a variable; "All" means every option. */
function chosen(scene: DashboardScene, name: string): ReturnType<ValuesOf> {
  const variable = sceneGraph.lookupVariable(name, scene);
  if (!(variable instanceof MultiValueVariable)) {
    return undefined;
  }
  const { value, text, options } = variable.state;
  if (variable.hasAllValue()) {
    return options.map((o: VariableValueOption) => ({ value: String(o.value), text: o.label }));
  }
  const values = Array.isArray(value) ? value : [value];
  const labels = Array.isArray(text) ? text : [text];
  return values.map((v, i) => ({ value: String(v), text: String(labels[i] ?? v) }));
}

/** Until the options of variables are loaded, repeats use the saved values. */
function savedValues(model: Dashboard): ValuesOf {
  return (name) => {
    const current = (model.templating?.list ?? []).find((v) => v.name === name)?.current as CustomVariableModel['current'] | undefined;
    const value = (current as { value?: string | string[] } | undefined)?.value;
    const values = (Array.isArray(value) ? value : [value]).filter((v): v is string => typeof v === 'string' && v !== '' && v !== '$__all');
    return values.length > 0 ? values.map((v) => ({ value: v, text: v })) : undefined;
  };
}
