import { AppEvents } from '@grafana/data';
import { getAppEvents, locationService } from '@grafana/runtime';
import { sceneGraph } from '@grafana/scenes';
import type { Dashboard } from '@grafana/schema';
import { Alert, Button, Combobox, Drawer, Field, Input, LinkButton, Stack, Switch, TextArea } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { dashboards, folders, type Folder } from '../../api/dashboards';
import { address, errorMessage } from '../../runtime/backendSrv';
import type { DashboardScene } from '../scene/DashboardScene';

interface Props {
  scene: DashboardScene;
  /** Save under a new name, with a new uid. */
  copy: boolean;
  onClose: () => void;
}

interface Failure {
  text: string;
  /** Another user has saved in the meantime: saving again replaces their version. */
  conflict: boolean;
  /** The session has ended, and the unsaved changes exist only here. */
  loggedOut: boolean;
}

/** Saves a dashboard, with a message for the version history. */
export default function SaveDrawer({ scene, copy, onClose }: Props) {
  const { model, meta } = scene.state;
  const fresh = copy || !model.uid;
  const [title, setTitle] = useState(copy ? `${model.title} (copy)` : (model.title ?? ''));
  const [message, setMessage] = useState('');
  const [folder, setFolder] = useState(meta.folderUid ?? '');
  const [withTime, setWithTime] = useState(false);
  const [list, setList] = useState<Folder[]>([]);
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  useEffect(() => void folders.list().then(setList), []);
  const save = async (overwrite: boolean) => {
    setBusy(true);
    setFailure(undefined);
    try {
      const json = { ...toSave(scene, withTime), title, ...(fresh && { id: null, uid: '', version: 0 }) };
      const saved = await dashboards.save(json, { folderUid: folder || undefined, message, overwrite });
      getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: ['Dashboard saved'] });
      const moved = fresh || title !== model.title || folder !== (meta.folderUid ?? '');
      scene.setState({ isDirty: false, model: { ...model, title, version: saved.version, uid: saved.uid }, meta: { ...meta, version: saved.version } });
      scene.history.saved();
      onClose();
      if (moved) {
        // The URL of a new dashboard is nothing to go back to.
        (fresh && !copy ? locationService.replace : locationService.push).call(locationService, saved.url);
      }
    } catch (err) {
      const { status } = err as { status?: number };
      setFailure({ text: errorMessage(err), conflict: status === 412, loggedOut: status === 401 });
      setBusy(false);
    }
  };
  return (
    <Drawer title={copy ? 'Save as a copy' : 'Save dashboard'} onClose={onClose} size="sm">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void save(false);
        }}
      >
        {meta.provisioned && !copy && (
          <Alert severity="info" title="This dashboard is provisioned from a file">
            Its provider decides whether it may be changed here ({meta.provisionedExternalId}). “Save as a copy” always works.
          </Alert>
        )}
        <Field label="Title" required>
          <Input value={title} onChange={(e) => setTitle(e.currentTarget.value)} data-testid="save-title" required />
        </Field>
        <Field label="Folder">
          <Combobox
            value={folder}
            options={[{ value: '', label: 'Dashboards (no folder)' }, ...list.map((f) => ({ value: f.uid, label: f.title }))]}
            onChange={(o) => setFolder(o.value)}
          />
        </Field>
        <Field label="Save the current time range and variables as the default">
          <Switch value={withTime} onChange={() => setWithTime(!withTime)} />
        </Field>
        <Field label="What was changed" description="Shown in the list of versions">
          <TextArea rows={3} value={message} onChange={(e) => setMessage(e.currentTarget.value)} />
        </Field>
        {failure && (
          <Alert severity="error" title="The dashboard was not saved">
            <p>{failure.text}</p>
            {failure.loggedOut && (
              <LinkButton href={address('/login')} target="_blank" variant="secondary" icon="external-link-alt">
                Log in on another tab
              </LinkButton>
            )}
            {failure.conflict && (
              <Button variant="destructive" onClick={() => save(true)}>
                Overwrite the other version
              </Button>
            )}
          </Alert>
        )}
        <Stack direction="row" gap={1}>
          <Button type="submit" disabled={busy || title.trim() === ''} data-testid="save-confirm">
            Save
          </Button>
          <Button variant="secondary" onClick={onClose}>
            Cancel
          </Button>
        </Stack>
      </form>
    </Drawer>
  );
}

/** The JSON to save; options changed only on screen, such as hidden series, are not part of it. */
function toSave(scene: DashboardScene, withTime: boolean): Dashboard {
  const { model } = scene.state;
  if (!withTime) {
    return model;
  }
  const { from, to } = sceneGraph.getTimeRange(scene).state;
  const list = (model.templating?.list ?? []).map((saved) => {
    const variable = sceneGraph.lookupVariable(saved.name, scene);
    const state = variable?.state as { value?: unknown; text?: unknown } | undefined;
    return state && 'value' in state ? { ...saved, current: { value: state.value, text: state.text ?? state.value } } : saved;
  });
  return { ...model, time: { from, to }, templating: { ...model.templating, list: list as never } };
}
