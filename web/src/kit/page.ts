import type { IconName } from '@grafana/ui';
import { useEffect, useSyncExternalStore, type ReactNode } from 'react';

import { useLatest } from '../runtime/hooks';

export interface Breadcrumb {
  text: string;
  to?: string;
}

/** An action of a page that can be invoked by name in the command palette, or by its keys. */
export interface Command {
  text: string;
  icon: IconName;
  /** As shown in the help: "d r", "Ctrl S". */
  keys?: string;
  act: () => void;
}

/** A keyboard action for the panel under the pointer. */
export interface PanelCommand {
  keys: string;
  act: (panelKey: string) => void;
}

/** The content that a page provides for the frame around it. */
export interface PageState {
  breadcrumbs: Breadcrumb[];
  actions?: ReactNode;
  /** Without the frame, as in kiosk mode. */
  bare?: boolean;
  commands?: Command[];
  panelCommands?: PanelCommand[];
}

let state: PageState = { breadcrumbs: [] };
const listeners = new Set<() => void>();

function set(next: PageState) {
  state = next;
  listeners.forEach((listener) => listener());
}

/** The state of the current page, for code that needs it when a key is pressed. */
export function pageState(): PageState {
  return state;
}

export function usePageState(): PageState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, pageState);
}

/** Sets a page's breadcrumbs, buttons and mode in the frame; `key` changes whenever they do. */
export function usePage(next: PageState, key: string) {
  const latest = useLatest(next);
  useEffect(() => set(latest()), [key, latest]);
}
