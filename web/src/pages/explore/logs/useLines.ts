import { rangeUtil } from '@grafana/data';
import { useCallback, useEffect, useRef, useState } from 'react';

import { errorMessage } from '../../../runtime/backendSrv';
import { useLatest } from '../../../runtime/hooks';
import { rangeOf, type QueryState } from '../../../links/explore';
import { LokiClient, type Window } from './client';
import { readLines, type Progress } from './lines';

export interface Lines extends Progress {
  loading: boolean;
  /** Seconds from the first request to the last response. */
  seconds: number;
  error?: string;
  /** Stops reading; lines already read are kept. */
  cancel: () => void;
}

/** The current time range of a query. */
export function windowOf(query: QueryState): Window {
  const { from, to } = rangeUtil.convertRawToRange(rangeOf(query));
  return { start: `${from.valueOf()}000000`, end: `${to.valueOf()}000000` };
}

/** The newest lines of an expression, up to a limit. */
export function useLines(source: string, expr: string, query: QueryState, most: number, round: number): Lines {
  const [{ of, ...state }, setState] = useState<Omit<Lines, 'cancel'> & { of: string }>({ of: '', rows: [], all: false, loading: true, seconds: 0 });
  const running = useRef<AbortController>(undefined);
  const { from, to } = rangeOf(query);
  const asked = JSON.stringify([source, expr, from, to, most, round]);
  const latest = useLatest(query);
  useEffect(() => {
    const abort = new AbortController();
    running.current = abort;
    const started = Date.now();
    const now = () => (Date.now() - started) / 1000;
    let told = false;
    const tell = (progress: Progress) => {
      told = true;
      if (!abort.signal.aborted) {
        setState({ ...progress, of: asked, loading: true, seconds: now() });
      }
    };
    readLines(new LokiClient(source), expr, windowOf(latest()), most, tell, abort.signal).then(
      () => abort.signal.aborted || setState((before) => ({ ...before, of: asked, loading: false, seconds: now() })),
      // The result of an earlier expression does not apply to this one.
      (err: unknown) =>
        abort.signal.aborted || setState((before) => ({ ...before, of: asked, rows: told ? before.rows : [], loading: false, error: errorMessage(err) }))
    );
    return () => abort.abort();
  }, [source, expr, most, asked, latest]);
  const cancel = useCallback(() => {
    running.current?.abort();
    setState((before) => ({ ...before, of: asked, loading: false }));
  }, [asked]);
  // The result of the previous query remains until this one has a response.
  return { ...state, ...(of !== asked && { loading: true, error: undefined }), cancel };
}
