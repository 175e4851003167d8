import { locationService } from '@grafana/runtime';
import { VizPanel } from '@grafana/scenes';

import type { Command, PanelCommand } from '../kit/page';
import { addPanel } from './edit/changes';
import { collapseRows, copyPanel, duplicatePanel, nudgePanel, pastePanel, removePanel, toggleLegend } from './edit/hands';
import { rowAdded } from './edit/movements';
import type { DashboardScene } from './scene/DashboardScene';
import { copyText, panelLink, saveFile, shareLink } from './scene/panelActions';
import { exploreAddress } from './scene/panelMenu';

export type Replace = (scene: DashboardScene) => void;

/** The actions for a dashboard, with the names and keys used by the toolbar, the menus and the command palette. */
export function commandsOf(scene: DashboardScene, replace: Replace): Command[] {
  const { model, meta, isDirty, kiosk, editPanel, undo, redo } = scene.state;
  const edits: Command[] =
    scene.mayEdit && !editPanel
      ? [
          { text: 'Add panel', icon: 'plus', act: () => replace(addPanel(scene)) },
          { text: 'Add row', icon: 'plus', act: () => scene.change(rowAdded(scene.state.model), 'Add a row') },
          { text: 'Paste panel', icon: 'clipboard-alt', keys: 'Ctrl V', act: () => pastePanel(scene) },
          { text: 'Save', icon: 'save', keys: 'Ctrl S', act: () => scene.setState({ dialog: 'save' }) },
          { text: 'Save as a copy', icon: 'copy', act: () => scene.setState({ dialog: 'saveAs' }) },
          { text: 'Settings', icon: 'cog', keys: 'd s', act: () => scene.setState({ dialog: 'settings' }) },
          ...(undo ? [{ text: `Undo: ${undo}`, icon: 'corner-up-left', keys: 'Ctrl Z', act: () => scene.undo() } satisfies Command] : []),
          ...(redo ? [{ text: `Redo: ${redo}`, icon: 'corner-up-right', keys: 'Ctrl Shift Z', act: () => scene.redo() } satisfies Command] : []),
          ...(isDirty ? [{ text: 'Discard changes', icon: 'times', act: () => discard(scene) } satisfies Command] : []),
        ]
      : [];
  return [
    ...edits,
    { text: 'Copy link', icon: 'link', act: () => copyText(shareLink(scene), 'Link copied with the current time range') },
    { text: 'Kiosk mode', icon: 'monitor', keys: 'd k', act: () => locationService.partial({ kiosk: kiosk ? null : '1' }) },
    {
      text: 'Download JSON',
      icon: 'download-alt',
      act: () => saveFile(`${model.title ?? 'dashboard'}.json`, JSON.stringify(model, null, 2), 'application/json'),
    },
    { text: 'JSON', icon: 'document-info', act: () => scene.setState({ dialog: 'json' }) },
    ...(model.uid ? [{ text: 'Versions', icon: 'history', act: () => scene.setState({ dialog: 'versions' }) } satisfies Command] : []),
    { text: 'Expand all rows', icon: 'angle-down', keys: 'd E', act: () => collapseRows(scene, false) },
    { text: 'Collapse all rows', icon: 'angle-right', keys: 'd C', act: () => collapseRows(scene, true) },
    ...(scene.mayEdit && meta.canDelete && !meta.provisioned && model.uid
      ? [{ text: 'Delete the dashboard', icon: 'trash-alt', act: () => scene.setState({ dialog: 'delete' }) } satisfies Command]
      : []),
  ];
}

/** The keyboard actions for a single panel; none while a panel is being edited. */
export function panelCommandsOf(scene: DashboardScene): PanelCommand[] {
  if (scene.state.editPanel) {
    return [];
  }
  const share = (key: string) => void copyText(panelLink(scene, key), 'Link copied');
  const view = (key: string) => locationService.partial({ viewPanel: scene.state.viewPanel ? null : key });
  const anyone: PanelCommand[] = [
    { keys: 'v', act: view },
    { keys: 'i', act: (key) => locationService.partial({ inspect: key, inspectTab: 'data' }) },
    { keys: 'p s', act: share },
    { keys: 'p u', act: share },
    { keys: 'p x', act: (key) => explore(scene, key) },
    { keys: 'p c', act: (key) => copyPanel(scene, key) },
  ];
  const editors: PanelCommand[] = [
    { keys: 'e', act: (key) => locationService.partial({ editPanel: /^panel-\d+/.exec(key)?.[0] ?? key, viewPanel: null }) },
    { keys: 'p d', act: (key) => duplicatePanel(scene, key) },
    { keys: 'p r', act: (key) => removePanel(scene, key) },
    { keys: 'p l', act: (key) => toggleLegend(scene, key) },
    { keys: 'p ←', act: (key) => nudgePanel(scene, key, -1, 0) },
    { keys: 'p →', act: (key) => nudgePanel(scene, key, 1, 0) },
    { keys: 'p ↑', act: (key) => nudgePanel(scene, key, 0, -1) },
    { keys: 'p ↓', act: (key) => nudgePanel(scene, key, 0, 1) },
  ];
  return [...anyone, ...(scene.mayEdit ? editors : [])];
}

function explore(scene: DashboardScene, key: string) {
  const panel = scene.findPanel(key);
  const to = panel instanceof VizPanel ? exploreAddress(panel) : undefined;
  if (to) {
    locationService.push(to);
  }
}

/** Loads the saved version of the dashboard. */
function discard(scene: DashboardScene) {
  scene.setState({ isDirty: false });
  window.location.reload();
}
