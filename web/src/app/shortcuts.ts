import { dateTimeForTimeZone, type TimeRange } from '@grafana/data';
import { RefreshEvent, config, getAppEvents, locationService } from '@grafana/runtime';
import { sceneGraph, type SceneObject } from '@grafana/scenes';
import { useEffect } from 'react';

import { isTyping, nameOfKey } from '../kit/keys';
import { pageState } from '../kit/page';
import { chooseTheme } from '../kit/theme';
import { useLatest } from '../runtime/hooks';

interface Shortcut {
  keys: string;
  does: string;
  /** Its action on every page; other shortcuts are handled by the current dashboard. */
  act?: (dialogs: Dialogs) => void;
}

interface Dialogs {
  search: () => void;
  help: () => void;
}

const go = (to: string) => () => locationService.push(to);

/** All shortcuts with descriptions, as shown in the help. */
export const shortcuts: Array<{ title: string; list: Shortcut[] }> = [
  {
    title: 'Everywhere',
    list: [
      { keys: 'Ctrl K', does: 'Search dashboards, pages and actions', act: ({ search }) => search() },
      { keys: '?', does: 'Show these shortcuts', act: ({ help }) => help() },
      { keys: 'g h', does: 'Go to the home page', act: go('/') },
      { keys: 'g d', does: 'Go to the dashboards', act: go('/dashboards') },
      { keys: 'g e', does: 'Go to Explore', act: go('/explore') },
      { keys: 'g a', does: 'Go to the alerts', act: go('/alerts') },
      { keys: 'g t', does: 'Go to the targets', act: go('/targets') },
      { keys: 'g p', does: 'Go to the profile', act: go('/profile') },
      { keys: 'c t', does: 'Change the theme', act: () => chooseTheme(config.theme2.isDark ? 'light' : 'dark') },
    ],
  },
  {
    title: 'Time range',
    list: [
      { keys: 't z', does: 'Zoom out', act: () => shift(-0.5, 0.5) },
      { keys: 't ←', does: 'Move back', act: () => shift(-0.5, -0.5) },
      { keys: 't →', does: 'Move forward', act: () => shift(0.5, 0.5) },
      {
        keys: 't a',
        does: 'Make it absolute',
        act: () => withTimeRange((t) => t.onTimeRangeChange(absolute(t.state.value.from.valueOf(), t.state.value.to.valueOf(), t.state.value))),
      },
    ],
  },
  {
    title: 'Dashboard',
    list: [
      { keys: 'd r', does: 'Refresh all panels', act: () => withTimeRange((t) => t.onRefresh()) },
      { keys: 'd k', does: 'Kiosk mode (Esc leaves it)' },
      { keys: 'd s', does: 'Settings' },
      { keys: 'd E', does: 'Expand all rows' },
      { keys: 'd C', does: 'Collapse all rows' },
      { keys: 'Ctrl S', does: 'Save' },
      { keys: 'Ctrl V', does: 'Paste a panel' },
      { keys: 'Ctrl Z', does: 'Undo' },
      { keys: 'Ctrl Shift Z', does: 'Redo' },
      { keys: 'Esc', does: 'Leave a panel or kiosk mode', act: leave },
    ],
  },
  {
    title: 'The panel under the pointer or with the focus',
    list: [
      { keys: 'v', does: 'View it alone' },
      { keys: 'e', does: 'Edit it' },
      { keys: 'i', does: 'Inspect it' },
      { keys: 'p x', does: 'Explore its queries' },
      { keys: 'p s', does: 'Copy a link to it' },
      { keys: 'p u', does: 'The same' },
      { keys: 'p d', does: 'Duplicate it' },
      { keys: 'p c', does: 'Copy it' },
      { keys: 'p r', does: 'Remove it' },
      { keys: 'p l', does: 'Show or hide its legend' },
      { keys: 'p ←', does: 'Move it to the left' },
      { keys: 'p →', does: 'Move it to the right' },
      { keys: 'p ↑', does: 'Move it up' },
      { keys: 'p ↓', does: 'Move it down' },
    ],
  },
];

/** Alternative keys. */
const others: Record<string, string> = { 'Ctrl Y': 'Ctrl Shift Z', h: '?' };

/** Left to the browser, which notifies the page with an event. */
const ofTheBrowser = new Set(['Ctrl V']);

/** Listens for shortcuts; the two keys of a sequence must follow each other within a second. */
export function useShortcuts(dialogs: Dialogs) {
  const latest = useLatest(dialogs);
  useEffect(() => {
    let first = '';
    let since = 0;
    const onKey = (event: KeyboardEvent) => {
      const key = nameOfKey(event);
      if (key === undefined || isModifier(event.key) || (key !== 'Ctrl K' && isTyping(event.target))) {
        return;
      }
      const pair = Date.now() - since < 1000 ? `${first} ${key}` : '';
      const act = actionOf(pair, latest()) ?? actionOf(key, latest());
      first = key;
      since = Date.now();
      if (act) {
        event.preventDefault();
        first = '';
        act();
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [latest]);
}

/** The action of some keys on the current page. */
export function actionOf(typed: string, dialogs: Dialogs): (() => void) | undefined {
  const keys = others[typed] ?? typed;
  if (ofTheBrowser.has(keys)) {
    return undefined;
  }
  const everywhere = shortcuts.flatMap(({ list }) => list).find((s) => s.keys === keys)?.act;
  if (everywhere) {
    return () => everywhere(dialogs);
  }
  const { commands = [], panelCommands = [] } = pageState();
  const command = commands.find((c) => c.keys === keys);
  if (command) {
    return command.act;
  }
  const panelCommand = panelCommands.find((c) => c.keys === keys);
  const panel = panelCommand && panelUnderPointer();
  return panel === undefined ? undefined : () => panelCommand!.act(panel);
}

function isModifier(key: string): boolean {
  return ['Control', 'Meta', 'Shift', 'Alt'].includes(key);
}

type TimeRangeObject = ReturnType<typeof sceneGraph.getTimeRange>;

function withTimeRange(act: (range: TimeRangeObject) => void) {
  const scene = window.__grafanaSceneContext as SceneObject | undefined;
  if (scene) {
    act(sceneGraph.getTimeRange(scene));
    getAppEvents().publish(new RefreshEvent());
  }
}

function shift(before: number, after: number) {
  withTimeRange((t) => {
    const { value } = t.state;
    const from = value.from.valueOf();
    const to = value.to.valueOf();
    const span = to - from;
    t.onTimeRangeChange(absolute(from + span * before, to + span * after, value));
  });
}

function absolute(from: number, to: number, timeRange: TimeRange): TimeRange {
  const zone = timeRange.from.utcOffset() === 0 ? 'utc' : undefined;
  const range = { from: dateTimeForTimeZone(zone, from), to: dateTimeForTimeZone(zone, to) };
  return { ...range, raw: range };
}

function panelUnderPointer(): string | undefined {
  const hovered = document.querySelector('[data-viz-panel-key]:hover') ?? document.activeElement?.closest('[data-viz-panel-key]');
  return hovered?.getAttribute('data-viz-panel-key') ?? (locationService.getSearchObject()['viewPanel'] as string | undefined);
}

function leave() {
  const search = locationService.getSearchObject();
  for (const name of ['inspect', 'editPanel', 'viewPanel', 'kiosk']) {
    if (search[name] !== undefined) {
      locationService.partial({ [name]: null, ...(name === 'inspect' && { inspectTab: null }) });
      return;
    }
  }
}
