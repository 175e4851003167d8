import { useEffect, useSyncExternalStore, type ReactNode } from 'react';

import { useLatest } from '../runtime/hooks';

export interface Breadcrumb {
  text: string;
  to?: string;
}

/** What a page puts into the frame around it. */
export interface PageState {
  breadcrumbs: Breadcrumb[];
  actions?: ReactNode;
  /** Without the frame, as in kiosk mode. */
  bare?: boolean;
}

let state: PageState = { breadcrumbs: [] };
const listeners = new Set<() => void>();

function set(next: PageState) {
  state = next;
  listeners.forEach((listener) => listener());
}

export function usePageState(): PageState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state
  );
}

/** Puts a page's place, buttons and mode into the frame; `key` says when they have changed. */
export function usePage(next: PageState, key: string) {
  const latest = useLatest(next);
  useEffect(() => set(latest()), [key, latest]);
}
