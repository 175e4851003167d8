import type { IconName } from '@grafana/ui';

import { may } from '../boot/role';
import type { Command } from '../kit/page';
import { chooseTheme } from '../kit/theme';
import { docsAddress, runbooksAddress } from '../kit/DocLinks';
import { pages } from './pages';

/** An entry of the command palette. */
export interface Entry {
  key: string;
  text: string;
  icon: IconName;
  /** What the entry is: an action with its keys, a page, or the folder of a dashboard. */
  note?: string;
  act: () => void;
}

/** The actions of the current page, global actions, and the pages that the user may see. */
export function entriesOf(commands: Command[], open: (to: string) => void, help: () => void): Entry[] {
  const everywhere: Command[] = [
    { text: 'Keyboard shortcuts', icon: 'keyboard', keys: '?', act: help },
    { text: 'Documentation', icon: 'book', act: () => window.location.assign(docsAddress()) },
    { text: 'Runbooks of alerts', icon: 'book-open', act: () => window.location.assign(runbooksAddress()) },
    { text: 'Light theme', icon: 'circle', act: () => void chooseTheme('light') },
    { text: 'Dark theme', icon: 'adjust-circle', act: () => void chooseTheme('dark') },
  ];
  return [
    ...[...commands, ...everywhere].map(({ text, icon, keys, act }) => ({ key: `action ${text}`, text, icon, note: keys ?? 'Action', act })),
    ...pages.filter(({ role }) => !role || may(role)).map(({ to, text, icon }) => ({ key: `page ${to}`, text, icon, note: 'Page', act: () => open(to) })),
  ];
}

/** The entries in which each word of the query is the prefix of a word. */
export function matching(entries: Entry[], query: string): Entry[] {
  const wanted = words(query);
  return entries.filter(({ text }) => {
    const have = words(text);
    return wanted.every((word) => have.some((one) => one.startsWith(word)));
  });
}

const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
