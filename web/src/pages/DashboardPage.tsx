import { locationService } from '@grafana/runtime';
import { UrlSyncContextProvider, type SceneObject } from '@grafana/scenes';
import { Alert, ConfirmModal, LoadingPlaceholder } from '@grafana/ui';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useParams } from 'react-router-dom';

import { isTyping } from '../kit/keys';
import { usePage } from '../kit/page';
import { commandsOf, panelCommandsOf } from '../dashboard/commands';
import { DashboardActions } from '../dashboard/DashboardActions';
import { sceneLike } from '../dashboard/edit/changes';
import { looksLikePanel } from '../dashboard/edit/clipboard';
import { pastePanel } from '../dashboard/edit/hands';
import { emptyDashboard, loadDashboard, sceneOf } from '../dashboard/load';
import { rememberVisit } from '../panels/dashlist/recent';
import type { DashboardScene } from '../dashboard/scene/DashboardScene';
import { errorMessage, holdPage } from '../runtime/backendSrv';
import { useLatest } from '../runtime/hooks';

const PanelEditor = lazy(() => import('../dashboard/edit/PanelEditor'));

/** One dashboard, saved or new. */
export default function DashboardPage() {
  const { uid } = useParams();
  return (
    <LoadedDashboard
      key={uid ?? 'new'}
      load={() => (uid ? loadDashboard(uid) : Promise.resolve(sceneOf(emptyDashboard(), { canSave: true, canEdit: true })))}
    />
  );
}

export function LoadedDashboard({ load }: { load: () => Promise<DashboardScene> }) {
  const [scene, setScene] = useState<DashboardScene>();
  const [error, setError] = useState<string>();
  const latest = useLatest(load);
  useEffect(() => {
    let gone = false;
    latest()().then(
      (loaded) => {
        if (!gone) {
          rememberVisit(loaded.state.model);
          setScene(loaded);
        }
      },
      (err) => !gone && setError(errorMessage(err))
    );
    return () => {
      gone = true;
    };
  }, [latest]);
  usePage({ breadcrumbs: [{ text: 'Dashboards', to: '/dashboards' }] }, error ?? '');
  if (error) {
    return (
      <Alert severity="error" title="The dashboard could not be loaded">
        {error}. Its address may be old: all dashboards are listed under “Dashboards”.
      </Alert>
    );
  }
  if (!scene) {
    return <LoadingPlaceholder text="" />;
  }
  return (
    <UrlSyncContextProvider scene={scene as unknown as SceneObject} createBrowserHistorySteps updateUrlOnInit>
      <Frame scene={scene} replace={setScene} />
    </UrlSyncContextProvider>
  );
}

/** The dashboard with its buttons; edits build a new scene from changed JSON. */
function Frame({ scene, replace }: { scene: DashboardScene; replace: (scene: DashboardScene) => void }) {
  const { model, meta, editPanel, kiosk, viewPanel, isDirty, undo, redo } = scene.useState();
  const title = model.title ?? '';
  usePage(
    {
      breadcrumbs: [
        { text: 'Dashboards', to: '/dashboards' },
        ...(meta.folderUid && meta.folderTitle ? [{ text: meta.folderTitle, to: `/dashboards/f/${meta.folderUid}` }] : []),
        { text: title },
      ],
      actions: <DashboardActions scene={scene} replace={replace} />,
      bare: kiosk,
      commands: commandsOf(scene, replace),
      panelCommands: panelCommandsOf(scene),
    },
    JSON.stringify([scene.state.key, title, kiosk, editPanel, viewPanel, isDirty, meta.version, undo, redo])
  );
  // The editor shows only a part of the scene, but variables and annotations must still run.
  useEffect(() => scene.activate(), [scene]);
  useEffect(() => scene.rebuildBy((json, dirty) => replace(sceneLike(scene, json, dirty))), [scene, replace]);
  usePaste(scene, !editPanel);
  const leaving = useUnsavedWarning(scene, Boolean(isDirty));
  const edited = Boolean(isDirty || editPanel);
  useEffect(() => (edited ? holdPage() : undefined), [edited]);
  return (
    <>
      {editPanel ? (
        <Suspense fallback={<LoadingPlaceholder text="" />}>
          <PanelEditor key={editPanel} scene={scene} panelKey={editPanel} replace={replace} />
        </Suspense>
      ) : (
        <scene.Component model={scene} />
      )}
      {leaving && (
        <ConfirmModal
          isOpen
          title="Leave without saving"
          body={`“${title}” has unsaved changes.`}
          confirmText="Leave"
          dismissText="Stay"
          onConfirm={leaving.leave}
          onDismiss={leaving.stay}
        />
      )}
    </>
  );
}

/** Pastes a panel from the clipboard, using the browser's paste event. */
function usePaste(scene: DashboardScene, on: boolean) {
  useEffect(() => {
    if (!on || !scene.mayEdit) {
      return;
    }
    const onPaste = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (!isTyping(event.target) && looksLikePanel(text)) {
        event.preventDefault();
        pastePanel(scene, text);
      }
    };
    document.addEventListener('paste', onPaste);
    return () => document.removeEventListener('paste', onPaste);
  }, [scene, on]);
}

interface Leaving {
  leave: () => void;
  stay: () => void;
}

/** Asks for confirmation before unsaved changes are lost; returns the pending question, if any. */
function useUnsavedWarning(scene: DashboardScene, dirty: boolean): Leaving | undefined {
  const [leaving, setLeaving] = useState<Leaving>();
  useEffect(() => {
    if (!dirty) {
      return;
    }
    // Right after a save this listener is still active although there is nothing left to lose.
    const ask = (event: BeforeUnloadEvent) => scene.state.isDirty && event.preventDefault();
    window.addEventListener('beforeunload', ask);
    const history = locationService.getHistory();
    const unblock = history.block((next, action) => {
      // The back button has already changed the window's URL.
      if (pageOf(history.location.pathname) === pageOf(next.pathname) || !scene.state.isDirty) {
        return undefined;
      }
      const stay = () => setLeaving(undefined);
      const leave = () => {
        stay();
        scene.setState({ isDirty: false });
        action === 'REPLACE' ? history.replace(next) : history.push(next);
      };
      setLeaving({ leave, stay });
      return false;
    });
    return () => {
      window.removeEventListener('beforeunload', ask);
      unblock();
    };
  }, [scene, dirty]);
  return leaving;
}

/** Two URLs show the same dashboard if they are equal up to the uid. */
function pageOf(path: string): string {
  return /^\/d\/[^/]+/.exec(path)?.[0] ?? path;
}
