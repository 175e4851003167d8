import { AppEvents } from '@grafana/data';
import { getAppEvents, locationService } from '@grafana/runtime';
import { Button, ConfirmModal, Dropdown, IconButton, Menu, ToolbarButton } from '@grafana/ui';
import { lazy, Suspense, useState } from 'react';

import { dashboards } from '../api/dashboards';
import { errorMessage } from '../runtime/backendSrv';
import type { Command } from '../kit/page';
import { commandsOf, type Replace } from './commands';
import { addPanel } from './edit/changes';
import type { DashboardDialog } from './scene/DashboardBase';
import type { DashboardScene } from './scene/DashboardScene';

const SaveDrawer = lazy(() => import('./edit/SaveDrawer'));
const JsonDrawer = lazy(() => import('./edit/JsonDrawer'));
const VersionsDrawer = lazy(() => import('./edit/VersionsDrawer'));
const SettingsDrawer = lazy(() => import('./edit/SettingsDrawer'));

interface Props {
  scene: DashboardScene;
  replace: Replace;
}

/** The dashboard buttons at the top of the page. */
export function DashboardActions({ scene, replace }: Props) {
  const { model, meta, isDirty, editPanel, viewPanel, dialog, undo, redo } = scene.useState();
  const [starred, setStarred] = useState(meta.isStarred ?? false);
  const { mayEdit } = scene;
  const open = (next: DashboardDialog | undefined) => scene.setState({ dialog: next });
  const close = () => open(undefined);
  // When the menu closes, it returns the focus to its button; a dialog that is already open would lose it.
  const fromMenu = (command: Command) => setTimeout(command.act);
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
          tooltip={starred ? 'Unstar' : 'Star'}
        />
      )}
      {mayEdit && !editPanel && (
        <>
          {(undo || redo) && (
            <>
              <ToolbarButton
                icon="corner-up-left"
                disabled={!undo}
                onClick={() => scene.undo()}
                tooltip={undo ? `Undo: ${undo} (Ctrl Z)` : 'Nothing to undo'}
              />
              <ToolbarButton
                icon="corner-up-right"
                disabled={!redo}
                onClick={() => scene.redo()}
                tooltip={redo ? `Redo: ${redo} (Ctrl Shift Z)` : 'Nothing to redo'}
              />
            </>
          )}
          <ToolbarButton icon="plus" onClick={() => replace(addPanel(scene))} tooltip="Add panel">
            Add panel
          </ToolbarButton>
          <Button size="sm" variant={isDirty ? 'primary' : 'secondary'} icon="save" data-testid="save-dashboard" onClick={() => open('save')}>
            Save
          </Button>
        </>
      )}
      <Dropdown overlay={() => <MoreMenu commands={commandsOf(scene, replace)} act={fromMenu} />} placement="bottom-end">
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

/** The groups of the menu behind the three dots. */
const menu = [
  ['Copy link', 'Kiosk mode', 'Download JSON'],
  ['Paste panel', 'Add row', 'Settings', 'JSON', 'Save as a copy', 'Versions', 'Discard changes', 'Delete the dashboard'],
];

function MoreMenu({ commands, act }: { commands: Command[]; act: (command: Command) => void }) {
  const [first, second] = menu.map((names) => names.flatMap((name) => commands.filter((c) => c.text === name)));
  const item = (command: Command) => {
    const deletes = command.text === 'Delete the dashboard';
    return (
      <Menu.Item
        key={command.text}
        label={deletes ? 'Delete' : command.text}
        icon={command.icon}
        shortcut={command.keys}
        destructive={deletes}
        onClick={() => act(command)}
      />
    );
  };
  return (
    <Menu>
      {first!.map(item)}
      <Menu.Divider />
      {second!.map(item)}
    </Menu>
  );
}

async function remove(uid: string) {
  try {
    await dashboards.remove(uid);
    locationService.push('/dashboards');
  } catch (err) {
    getAppEvents().publish({ type: AppEvents.alertError.name, payload: ['The dashboard was not deleted', errorMessage(err)] });
  }
}
