import { dateTimeFormat } from '@grafana/data';
import { Alert, Button, Drawer, LoadingPlaceholder, Stack } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { dashboards, type DashboardVersion } from '../../api/dashboards';
import { may } from '../../boot/role';
import { errorMessage } from '../../runtime/backendSrv';
import type { DashboardScene } from '../scene/DashboardScene';
import { JsonEditor } from './JsonEditor';

/** The saved versions of a dashboard, to view and to restore. */
export default function VersionsDrawer({ scene, onClose }: { scene: DashboardScene; onClose: () => void }) {
  const uid = scene.state.model.uid!;
  const [versions, setVersions] = useState<DashboardVersion[]>();
  const [shown, setShown] = useState<{ version: number; json: string }>();
  const [error, setError] = useState<string>();
  const mayRestore = may('Editor') && scene.state.meta.canSave !== false;
  useEffect(() => {
    dashboards.versions(uid).then(setVersions, (err) => setError(errorMessage(err)));
  }, [uid]);
  const show = async (version: number) => setShown({ version, json: JSON.stringify((await dashboards.version(uid, version)).data, null, 2) });
  const restore = async (version: number) => {
    try {
      await dashboards.restore(uid, version);
      window.location.reload();
    } catch (err) {
      setError(errorMessage(err));
    }
  };
  return (
    <Drawer title="Versions" size="md" onClose={onClose}>
      {error && <Alert severity="error" title={error} />}
      {!versions && !error && <LoadingPlaceholder text="" />}
      {versions?.length === 0 && <Alert severity="info" title="No versions: this dashboard is provisioned from a file" />}
      {versions && versions.length > 0 && (
        <table style={{ width: '100%' }}>
          <thead>
            <tr>
              {['Version', 'Saved', 'By', 'What was changed', ''].map((h) => (
                <th key={h} scope="col" style={{ textAlign: 'left' }}>
                  {h}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {versions.map((v, i) => (
              <tr key={v.version}>
                <td>{v.version}</td>
                <td>{dateTimeFormat(v.created)}</td>
                <td>{v.createdBy}</td>
                <td>{v.message}</td>
                <td>
                  <Stack direction="row" gap={1}>
                    <Button size="sm" variant="secondary" onClick={() => show(v.version)}>
                      Show
                    </Button>
                    {i > 0 && mayRestore && (
                      <Button size="sm" variant="secondary" onClick={() => restore(v.version)}>
                        Restore
                      </Button>
                    )}
                  </Stack>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shown && (
        <>
          <h4>Version {shown.version}</h4>
          <JsonEditor value={shown.json} readOnly height="50vh" />
        </>
      )}
    </Drawer>
  );
}
