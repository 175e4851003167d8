import type { IconName } from '@grafana/ui';
import { useEffect, useSyncExternalStore, type ReactNode } from 'react';

import { useLatest } from '../runtime/hooks';

export interface Breadcrumb {
  text: string;
  to?: string;
}

/** Something that a page does when it is asked for by name, in the command palette, or by its keys. */
export interface Command {
  text: string;
  icon: IconName;
  /** As the help writes them: "d r", "Ctrl S". */
  keys?: string;
  act: () => void;
}

/** What is done by its keys with the panel under the pointer. */
export interface PanelCommand {
  keys: string;
  act: (panelKey: string) => void;
}

/** What a page puts into the frame around it. */
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

/** What the page on the screen has put into its frame, for those that ask when a key is pressed. */
export function pageState(): PageState {
  return state;
}

export function usePageState(): PageState {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, pageState);
}

/** Puts a page's place, buttons and mode into the frame; `key` says when they have changed. */
export function usePage(next: PageState, key: string) {
  const latest = useLatest(next);
  useEffect(() => set(latest()), [key, latest]);
}
