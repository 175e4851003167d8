import { locationService } from '@grafana/runtime';
import { UrlSyncContextProvider, type SceneObject } from '@grafana/scenes';
import { Alert, LoadingPlaceholder } from '@grafana/ui';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useParams } from 'react-router-dom';

import { usePage } from '../kit/page';
import { DashboardActions } from '../dashboard/DashboardActions';
import { emptyDashboard, loadDashboard, sceneOf } from '../dashboard/load';
import { rememberVisit } from '../panels/dashlist/recent';
import type { DashboardScene } from '../dashboard/scene/DashboardScene';
import { errorMessage, holdPage } from '../runtime/backendSrv';
import { useLatest } from '../runtime/hooks';

const PanelEditor = lazy(() => import('../dashboard/edit/PanelEditor'));

/** One dashboard, from the server or new. */
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
      <Alert severity="error" title="The dashboard cannot be shown">
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
  const { model, meta, editPanel, kiosk, viewPanel, isDirty } = scene.useState();
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
    },
    `${scene.state.key}/${title}/${kiosk}/${editPanel}/${viewPanel}/${isDirty}/${meta.version}`
  );
  // The editor shows a part of the scene only; variables and annotations have to run all the same.
  useEffect(() => scene.activate(), [scene]);
  useUnsavedWarning(scene, Boolean(isDirty));
  const edited = Boolean(isDirty || editPanel);
  useEffect(() => (edited ? holdPage() : undefined), [edited]);
  if (editPanel) {
    return (
      <Suspense fallback={<LoadingPlaceholder text="" />}>
        <PanelEditor key={editPanel} scene={scene} panelKey={editPanel} replace={replace} />
      </Suspense>
    );
  }
  return <scene.Component model={scene} />;
}

function useUnsavedWarning(scene: DashboardScene, dirty: boolean) {
  useEffect(() => {
    if (!dirty) {
      return;
    }
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    const unblock = locationService.getHistory().block((next) => {
      const here = window.location.pathname;
      const leaves = !here.endsWith(next.pathname);
      // Right after a save this still listens, though there is nothing to lose any more.
      return leaves && scene.state.isDirty ? 'This dashboard has changes that are not saved. Leave it?' : undefined;
    });
    return () => {
      window.removeEventListener('beforeunload', ask);
      unblock();
    };
  }, [scene, dirty]);
}
