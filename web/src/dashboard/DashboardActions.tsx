import { AppEvents } from '@grafana/data';
import { getAppEvents, locationService } from '@grafana/runtime';
import { Button, ConfirmModal, Dropdown, IconButton, Menu, ToolbarButton } from '@grafana/ui';
import { lazy, Suspense, useState } from 'react';

import { dashboards } from '../api/dashboards';
import { errorMessage } from '../runtime/backendSrv';
import { addPanel, withModel } from './edit/changes';
import type { DashboardScene } from './scene/DashboardScene';
import { copyText, saveFile, shareLink } from './scene/panelActions';

const SaveDrawer = lazy(() => import('./edit/SaveDrawer'));
const JsonDrawer = lazy(() => import('./edit/JsonDrawer'));
const VersionsDrawer = lazy(() => import('./edit/VersionsDrawer'));
const SettingsDrawer = lazy(() => import('./edit/SettingsDrawer'));

type Dialog = 'save' | 'saveAs' | 'json' | 'versions' | 'settings' | 'delete';

interface Props {
  scene: DashboardScene;
  replace: (scene: DashboardScene) => void;
}

/** The buttons of a dashboard at the top of the page. */
export function DashboardActions({ scene, replace }: Props) {
  const { model, meta, isDirty, editPanel, viewPanel } = scene.useState();
  const [dialog, setDialog] = useState<Dialog>();
  const [starred, setStarred] = useState(meta.isStarred ?? false);
  const { mayEdit } = scene;
  const close = () => setDialog(undefined);
  // The menu gives the focus back to its button when it closes; a dialog that is there already would lose it.
  const openFromMenu = (next: Dialog) => setTimeout(() => setDialog(next));
  const star = async () => {
    await dashboards.star(model.uid!, !starred);
    setStarred(!starred);
  };
  return (
    <>
      {viewPanel && (
        <Button size="sm" variant="secondary" icon="arrow-left" onClick={() => locationService.partial({ viewPanel: null })}>
          Back to dashboard
        </Button>
      )}
      {meta.canStar && model.uid && (
        <IconButton
          name={starred ? 'favorite' : 'star'}
          iconType={starred ? 'mono' : 'default'}
          size="lg"
          onClick={star}
          tooltip={starred ? 'Unmark as favourite' : 'Mark as favourite'}
        />
      )}
      {mayEdit && !editPanel && (
        <ToolbarButton icon="plus" onClick={() => replace(addPanel(scene))} tooltip="Add panel">
          Add panel
        </ToolbarButton>
      )}
      {mayEdit && !editPanel && (
        <Button size="sm" variant={isDirty ? 'primary' : 'secondary'} icon="save" data-testid="save-dashboard" onClick={() => setDialog('save')}>
          Save
        </Button>
      )}
      <Dropdown overlay={<MoreMenu {...{ scene, mayEdit, open: openFromMenu, replace }} />} placement="bottom-end">
        <ToolbarButton icon="ellipsis-v" aria-label="More" />
      </Dropdown>
      <Suspense fallback={null}>
        {(dialog === 'save' || dialog === 'saveAs') && <SaveDrawer scene={scene} copy={dialog === 'saveAs'} onClose={close} />}
        {dialog === 'json' && <JsonDrawer scene={scene} replace={replace} onClose={close} />}
        {dialog === 'versions' && <VersionsDrawer scene={scene} onClose={close} />}
        {dialog === 'settings' && <SettingsDrawer scene={scene} replace={replace} onClose={close} />}
      </Suspense>
      {dialog === 'delete' && (
        <ConfirmModal
          isOpen
          title="Delete the dashboard"
          body={`“${model.title ?? ''}” goes with all its versions.`}
          confirmText="Delete"
          onConfirm={() => remove(model.uid!).then(close)}
          onDismiss={close}
        />
      )}
    </>
  );
}

function MoreMenu({ scene, mayEdit, open, replace }: Props & { mayEdit: boolean; open: (dialog: Dialog) => void }) {
  const { model, meta, isDirty } = scene.state;
  return (
    <Menu>
      <Menu.Item label="Copy link" icon="link" onClick={() => copyText(shareLink(scene), 'Link copied: it shows this time range to everyone')} />
      <Menu.Item label="Kiosk mode" icon="monitor" shortcut="d k" onClick={() => locationService.partial({ kiosk: '1' })} />
      <Menu.Item
        label="Download JSON"
        icon="download-alt"
        onClick={() => saveFile(`${model.title ?? 'dashboard'}.json`, JSON.stringify(model, null, 2), 'application/json')}
      />
      <Menu.Divider />
      <Menu.Item label="JSON" icon="document-info" onClick={() => open('json')} />
      {mayEdit && <Menu.Item label="Settings" icon="cog" onClick={() => open('settings')} />}
      {mayEdit && <Menu.Item label="Add row" icon="plus" onClick={() => replace(addRow(scene))} />}
      {mayEdit && <Menu.Item label="Save as a copy" icon="copy" onClick={() => open('saveAs')} />}
      {model.uid && <Menu.Item label="Versions" icon="history" onClick={() => open('versions')} />}
      {isDirty && <Menu.Item label="Discard changes" icon="times" onClick={() => window.location.reload()} />}
      {mayEdit && meta.canDelete && !meta.provisioned && model.uid && <Menu.Item label="Delete" icon="trash-alt" destructive onClick={() => open('delete')} />}
    </Menu>
  );
}

function addRow(scene: DashboardScene): DashboardScene {
  const panels = scene.state.model.panels ?? [];
  const y = Math.max(
    0,
    ...panels.map((p) => ((p as { gridPos?: { y: number; h: number } }).gridPos?.y ?? 0) + ((p as { gridPos?: { y: number; h: number } }).gridPos?.h ?? 1))
  );
  const id = Math.max(0, ...panels.map((p) => (p as { id?: number }).id ?? 0)) + 1;
  return withModel(scene, {
    ...scene.state.model,
    panels: [...panels, { id, type: 'row', title: 'New row', collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] }] as never,
  });
}

async function remove(uid: string) {
  try {
    await dashboards.remove(uid);
    locationService.push('/dashboards');
  } catch (err) {
    getAppEvents().publish({ type: AppEvents.alertError.name, payload: ['The dashboard was not deleted', errorMessage(err)] });
  }
}
