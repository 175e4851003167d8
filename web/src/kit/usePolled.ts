import { useCallback, useEffect, useState } from 'react';

import { errorMessage } from '../runtime/backendSrv';

export interface Polled<T> {
  data?: T;
  /** Why the newest attempt failed; data is then what was known before. */
  error?: string;
  reload: () => void;
}

const interval = 10_000;

/** Loads something now, when the key changes, and every ten seconds while the page is in sight. */
export function usePolled<T>(load: () => Promise<T>, key = ''): Polled<T> {
  const [state, setState] = useState<{ data?: T; error?: string; key?: string }>({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && setRound((n) => n + 1), interval);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    let stale = false;
    load().then(
      (data) => stale || setState({ data, key }),
      (err: unknown) => stale || setState((before) => ({ data: before.key === key ? before.data : undefined, key, error: errorMessage(err) }))
    );
    return () => {
      stale = true;
    };
  }, [key, round]);
  return { data: state.key === key ? state.data : undefined, error: state.error, reload: useCallback(() => setRound((n) => n + 1), []) };
}
