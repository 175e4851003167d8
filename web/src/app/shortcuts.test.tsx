import type { Dashboard } from '@grafana/schema';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { bootData } from '../boot/bootData';
import { commandsOf, panelCommandsOf } from '../dashboard/commands';
import { DashboardScene } from '../dashboard/scene/DashboardScene';
import { isTyping, nameOfKey } from '../kit/keys';
import { usePage, type PageState } from '../kit/page';
import { entriesOf, matching } from './palette';
import { shortcuts, useShortcuts } from './shortcuts';

const done: string[] = [];
const did = (what: string) => () => void done.push(what);
const page: PageState = {
  breadcrumbs: [],
  commands: [
    { text: 'Save', icon: 'save', keys: 'Ctrl S', act: did('save') },
    { text: 'Undo', icon: 'corner-up-left', keys: 'Ctrl Z', act: did('undo') },
    { text: 'Redo', icon: 'corner-up-right', keys: 'Ctrl Shift Z', act: did('redo') },
    { text: 'Paste panel', icon: 'copy', keys: 'Ctrl V', act: did('paste') },
    { text: 'Expand', icon: 'angle-down', keys: 'd E', act: did('expand') },
  ],
  panelCommands: [
    { keys: 'p r', act: (key) => done.push(`remove ${key}`) },
    { keys: 'p ←', act: (key) => done.push(`left ${key}`) },
  ],
};

let root: Root;

function Page() {
  usePage(page, 'test');
  useShortcuts({ search: did('search'), help: did('help') });
  return (
    <>
      <input id="field" />
      <div role="dialog">
        <button id="answer">Yes</button>
      </div>
      <div data-viz-panel-key="panel-3">
        <button id="menu">Menu</button>
      </div>
    </>
  );
}

beforeEach(async () => {
  done.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  const place = document.createElement('div');
  document.body.replaceChildren(place);
  root = createRoot(place);
  await act(async () => root.render(<Page />));
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Presses keys one after the other on the focused element; returns whether the default action of the last one was prevented. */
function press(...keys: Array<string | KeyboardEventInit>): boolean {
  return keys
    .map((key) => new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...(typeof key === 'string' ? { key } : key) }))
    .map((event) => !(document.activeElement ?? document.body).dispatchEvent(event))
    .at(-1)!;
}

const focus = (id: string) => document.getElementById(id)!.focus();

describe('keys', () => {
  test.each<[string, Array<string | KeyboardEventInit>, string[]]>([
    ['one', ['?'], ['help']],
    ['one with a second name', ['h'], ['help']],
    ['Ctrl and a letter', [{ key: 's', ctrlKey: true }], ['save']],
    ['the command key and a letter', [{ key: 's', metaKey: true }], ['save']],
    ['Ctrl, Shift and a letter', [{ key: 'Z', ctrlKey: true, shiftKey: true }], ['redo']],
    ['another that means the same', [{ key: 'y', ctrlKey: true }], ['redo']],
    ['two, the second with Shift', ['d', { key: 'Shift', shiftKey: true }, { key: 'E', shiftKey: true }], ['expand']],
    ['none with Alt', [{ key: 's', ctrlKey: true, altKey: true }], []],
    ['none while a letter is composed', [{ key: '?', isComposing: true }], []],
    ['none that no page knows', ['q', 'x', 'd', 'q'], []],
    ['what the browser asks about itself', [{ key: 'v', ctrlKey: true }], []],
    ['panel keys without a panel', ['p', 'r'], []],
  ])('%s', (_, keys, expected) => {
    const kept = press(...keys);
    expect(done).toEqual(expected);
    expect(kept).toBe(expected.length > 0);
  });

  test('the second comes within a second', () => {
    press('d');
    vi.advanceTimersByTime(1001);
    press({ key: 'E', shiftKey: true });
    expect(done).toEqual([]);
    press('d');
    vi.advanceTimersByTime(999);
    press({ key: 'E', shiftKey: true });
    expect(done).toEqual(['expand']);
  });

  test('those of panels mean the one with the focus', () => {
    focus('menu');
    press('p', 'r');
    press('p', 'ArrowLeft');
    expect(done).toEqual(['remove panel-3', 'left panel-3']);
  });

  test.each(['field', 'answer'])('in a %s are for it, but for the search', (id) => {
    focus(id);
    expect(press('?', { key: 'z', ctrlKey: true }, 'h')).toBe(false);
    expect(done).toEqual([]);
    press({ key: 'k', ctrlKey: true });
    expect(done).toEqual(['search']);
  });
});

test('what is typed into', () => {
  const area = document.createElement('textarea');
  expect([isTyping(area), isTyping(document.body), isTyping(null), isTyping(document)]).toEqual([true, false, false, false]);
  expect(nameOfKey(new KeyboardEvent('keydown', { key: 'ArrowUp' }))).toBe('↑');
  expect(nameOfKey(new KeyboardEvent('keydown', { key: 'Escape' }))).toBe('Esc');
});

test('the help lists what the pages do, and nothing else', () => {
  const { orgRole } = bootData.user;
  bootData.user.orgRole = 'Admin';
  const model = { title: 'Any', uid: 'any', panels: [{ id: 1, type: 'text', gridPos: { x: 0, y: 0, w: 1, h: 1 } }] } as unknown as Dashboard;
  const scene = new DashboardScene(model, { canEdit: true, canSave: true, canDelete: true });
  scene.setState({ undo: 'a', redo: 'b', isDirty: true });
  const all = shortcuts.flatMap(({ list }) => list);
  const offered = [...commandsOf(scene, () => {}), ...panelCommandsOf(scene)].flatMap(({ keys }) => keys ?? []);
  expect(
    all
      .filter((s) => !s.act)
      .map((s) => s.keys)
      .sort()
  ).toEqual(offered.sort());
  expect(new Set(all.map((s) => s.keys)).size).toBe(all.length);

  bootData.user.orgRole = 'Viewer';
  const names = [...commandsOf(scene, () => {}).map((c) => c.text), ...panelCommandsOf(scene).map((c) => c.keys)];
  expect(names).toEqual([
    'Copy link',
    'Kiosk mode',
    'Download JSON',
    'JSON',
    'Versions',
    'Expand all rows',
    'Collapse all rows',
    'v',
    'i',
    'p s',
    'p u',
    'p x',
    'p c',
  ]);
  expect(
    entriesOf(
      [],
      () => {},
      () => {}
    ).map((e) => e.text)
  ).not.toContain('Settings: users');
  bootData.user.orgRole = orgRole;
});

test('the palette finds by the beginnings of words', () => {
  const entries = ['Save', 'Save as a copy', 'Status: query log', 'Überblick'].map((text) => ({ key: text, text, icon: 'save' as const, act: () => {} }));
  const found = (query: string) => matching(entries, query).map((e) => e.text);
  expect(found('save')).toEqual(['Save', 'Save as a copy']);
  expect(found('copy sa')).toEqual(['Save as a copy']);
  expect(found('LOG')).toEqual(['Status: query log']);
  expect(found('über')).toEqual(['Überblick']);
  expect(found('ave')).toEqual([]);
  expect(found('')).toHaveLength(4);
  expect(found('(.*')).toHaveLength(4);
});
