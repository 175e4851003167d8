import { Alert } from '@grafana/ui';
import { useState } from 'react';

import { errorMessage } from '../../runtime/backendSrv';

/** Runs an action on the server, and keeps the error if it fails. */
export function useDoing(): { busy: boolean; problem: React.ReactNode; act: (what: () => Promise<unknown>) => Promise<boolean> } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const act = async (what: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await what();
      return true;
    } catch (err) {
      setError(errorMessage(err));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    act,
    problem: error ? (
      <Alert severity="error" title="That failed" onRemove={() => setError(undefined)}>
        {error}
      </Alert>
    ) : null,
  };
}

export const roles = [
  { value: 'Viewer', label: 'Viewer', description: 'sees everything' },
  { value: 'Editor', label: 'Editor', description: 'changes dashboards, silences, pushes data' },
  { value: 'Admin', label: 'Admin', description: 'users, data sources, reload' },
] as const;
