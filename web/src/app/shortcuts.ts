import { dateTimeForTimeZone, type TimeRange } from '@grafana/data';
import { RefreshEvent, getAppEvents, locationService } from '@grafana/runtime';
import { sceneGraph } from '@grafana/scenes';
import { useEffect } from 'react';

import { useLatest } from '../runtime/hooks';
import type { DashboardScene } from '../dashboard/scene/DashboardScene';

/** Every shortcut with what it does, as the help shows them. */
export const shortcuts: Array<{ keys: string; does: string }> = [
  { keys: 'Ctrl K', does: 'Search dashboards' },
  { keys: '?', does: 'Show these shortcuts' },
  { keys: 'g h', does: 'Go to the home page' },
  { keys: 'g d', does: 'Go to the dashboards' },
  { keys: 'd r', does: 'Refresh all panels' },
  { keys: 'd k', does: 'Kiosk mode (Esc leaves it)' },
  { keys: 'd s', does: 'Save the dashboard' },
  { keys: 't z', does: 'Zoom the time range out' },
  { keys: 't ←', does: 'Move the time range back' },
  { keys: 't →', does: 'Move the time range forward' },
  { keys: 't a', does: 'Make the time range absolute' },
  { keys: 'v', does: 'View the panel under the pointer' },
  { keys: 'e', does: 'Edit the panel under the pointer' },
  { keys: 'i', does: 'Inspect the panel under the pointer' },
  { keys: 'Esc', does: 'Leave a panel or kiosk mode' },
];

interface Dialogs {
  search: () => void;
  help: () => void;
}

/** Listens for shortcuts; two keys follow each other within a second. */
export function useShortcuts(dialogs: Dialogs) {
  const latest = useLatest(dialogs);
  useEffect(() => {
    let first = '';
    let since = 0;
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        latest().search();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
        return;
      }
      const pair = Date.now() - since < 1000 ? `${first} ${event.key}` : '';
      const act = commands[pair] ?? commands[event.key] ?? (event.key === '?' ? latest().help : undefined);
      first = event.key;
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

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      target.closest('[role="dialog"], [role="menu"], [role="listbox"]') !== null)
  );
}

const commands: Record<string, () => void> = {
  'g h': () => locationService.push('/'),
  'g d': () => locationService.push('/dashboards'),
  'd r': () => withTimeRange((t) => t.onRefresh()),
  'd k': () => locationService.partial({ kiosk: locationService.getSearchObject()['kiosk'] === undefined ? '1' : null }),
  'd s': () => document.querySelector<HTMLButtonElement>('[data-testid="save-dashboard"]')?.click(),
  't z': () => shift(-0.5, 0.5),
  't ArrowLeft': () => shift(-0.5, -0.5),
  't ArrowRight': () => shift(0.5, 0.5),
  't a': () => withTimeRange((t) => t.onTimeRangeChange(absolute(t.state.value.from.valueOf(), t.state.value.to.valueOf(), t.state.value))),
  v: () => onPanel((key) => locationService.partial({ viewPanel: locationService.getSearchObject()['viewPanel'] ? null : key })),
  e: () => onPanel((key) => dashboard()?.mayEdit && locationService.partial({ editPanel: /^panel-\d+/.exec(key)?.[0] ?? key, viewPanel: null })),
  i: () => onPanel((key) => locationService.partial({ inspect: key, inspectTab: 'data' })),
  Escape: leave,
};

function dashboard(): DashboardScene | undefined {
  return window.__grafanaSceneContext as DashboardScene | undefined;
}

type TimeRangeObject = ReturnType<typeof sceneGraph.getTimeRange>;

function withTimeRange(act: (range: TimeRangeObject) => void) {
  const scene = dashboard();
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

function onPanel(act: (key: string) => unknown) {
  const hovered = document.querySelector('[data-viz-panel-key]:hover') ?? document.activeElement?.closest('[data-viz-panel-key]');
  const key = hovered?.getAttribute('data-viz-panel-key') ?? (locationService.getSearchObject()['viewPanel'] as string | undefined);
  if (key) {
    act(String(key));
  }
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
