import { AppEvents } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { SceneGridRow, type VizPanel } from '@grafana/scenes';
import type { Dashboard } from '@grafana/schema';

import { allPanels, findPanelJson, type PanelJson } from '../model';
import type { DashboardBase } from '../scene/DashboardBase';
import { copyText } from '../scene/panelActions';
import { keepPanel, keptPanel, readPanel } from './clipboard';
import { duplicated, idOf, legendToggled, nudged, pasted, removed, rowRemoved } from './movements';

/** What these functions need from the current dashboard. */
type OnScreen = Pick<DashboardBase, 'state' | 'setState' | 'isActive' | 'history' | 'change' | 'undo' | 'findPanel'>;

export function duplicatePanel(dashboard: OnScreen, key: string) {
  add(dashboard, duplicated(dashboard.state.model, idOf(key)), 'Duplicate the panel');
}

export function removePanel(dashboard: OnScreen, key: string) {
  const { model, viewPanel } = dashboard.state;
  const panel = findPanelJson(model, idOf(key));
  if (!panel) {
    return;
  }
  if (viewPanel) {
    dashboard.setState({ viewPanel: undefined });
  }
  dashboard.change(removed(model, panel.id!), 'Remove the panel');
  offerUndo(dashboard, `Panel ${nameOf(dashboard, panel)} was removed`);
}

/** Removes a row, with or without its panels. */
export function removeRow(dashboard: OnScreen, id: number, withPanels: boolean) {
  const row = findPanelJson(dashboard.state.model, id);
  if (!row) {
    return;
  }
  dashboard.change(rowRemoved(dashboard.state.model, id, withPanels), 'Delete the row');
  offerUndo(dashboard, `Row ${nameOf(dashboard, row)} was deleted${withPanels ? ' with its panels' : ''}`);
}

export function copyPanel(dashboard: OnScreen, key: string) {
  const panel = findPanelJson(dashboard.state.model, idOf(key));
  if (panel) {
    void copyText(keepPanel(panel), 'Panel copied. Paste it into any dashboard with Ctrl V or from the “More” menu');
  }
}

/** Pastes a panel that was copied in this browser, or the one in a text. */
export function pastePanel(dashboard: OnScreen, text = keptPanel()) {
  if (text === undefined) {
    tell('Nothing was copied', 'Copy a panel first: choose “Copy” in its menu.');
    return;
  }
  try {
    add(dashboard, pasted(dashboard.state.model, readPanel(text)), 'Paste the panel');
  } catch (err) {
    tell('The clipboard does not contain a panel', (err as Error).message);
  }
}

export function toggleLegend(dashboard: OnScreen, key: string) {
  dashboard.change(legendToggled(dashboard.state.model, idOf(key)), 'Show or hide the legend');
}

export function nudgePanel(dashboard: OnScreen, key: string, dx: number, dy: number) {
  dashboard.change(nudged(dashboard.state.model, idOf(key), dx, dy), 'Move the panel');
  show(dashboard, idOf(key));
}

/** Expands or collapses all rows on screen. */
export function collapseRows(dashboard: OnScreen, collapsed: boolean) {
  for (const row of dashboard.state.body.state.children) {
    if (row instanceof SceneGridRow && Boolean(row.state.isCollapsed) !== collapsed) {
      row.onCollapseToggle();
    }
  }
}

function add(dashboard: OnScreen, model: Dashboard, what: string) {
  const known = new Set(allPanels(dashboard.state.model).map((p) => p.id));
  dashboard.change(model, what);
  const added = allPanels(model).find((p) => !known.has(p.id));
  if (added) {
    show(dashboard, added.id!);
  }
}

/** Scrolls to a panel once it is rendered. */
function show(dashboard: OnScreen, id: number) {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      if (dashboard.isActive) {
        document.querySelector(`[data-viz-panel-key="panel-${id}"]`)?.scrollIntoView({ block: 'nearest' });
      }
    })
  );
}

function nameOf(dashboard: OnScreen, panel: PanelJson): string {
  const shown: VizPanel | undefined = dashboard.findPanel(String(panel.id));
  return `“${shown?.interpolate(panel.title ?? '', undefined, 'text') || panel.title || panel.type}”`;
}

function tell(title: string, text: string) {
  getAppEvents().publish({ type: AppEvents.alertWarning.name, payload: [title, text] });
}

/** Reports what was done, with an undo button that works until something else is done. */
function offerUndo(dashboard: OnScreen, title: string) {
  const { last } = dashboard.history;
  const act = () => {
    if (dashboard.isActive && dashboard.history.last === last) {
      dashboard.undo();
    } else {
      tell('The dashboard has changed since', 'Undo step by step with Ctrl Z or the arrow at the top.');
    }
  };
  getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: [title, undefined, { text: 'Undo', act }] });
}
