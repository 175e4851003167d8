import type { Panel } from '@grafana/schema';
import { describe, expect, test } from 'vitest';

import { expandRepeats, repeatVariables } from './repeats';

const panel = (id: number, x: number, y: number, w = 12, h = 8, more: object = {}) =>
  ({ id, type: 'timeseries', gridPos: { x, y, w, h }, ...more }) as unknown as Panel;
const row = (id: number, y: number, more: object = {}) =>
  ({ id, type: 'row', title: `row ${id}`, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [], ...more }) as unknown as Panel;
const values = (...list: string[]) => list.map((v) => ({ value: v, text: v.toUpperCase() }));

describe('expandRepeats', () => {
  test('keeps what is not repeated where it is', () => {
    const [section] = expandRepeats([panel(1, 0, 0), panel(2, 12, 0), panel(3, 0, 8)], () => undefined);
    expect(section!.row).toBeUndefined();
    expect(section!.panels.map((p) => [p.key, p.x, p.y])).toEqual([
      ['panel-1', 0, 0],
      ['panel-2', 12, 0],
      ['panel-3', 0, 8],
    ]);
  });

  test('puts copies beside each other and moves what is below', () => {
    const [section] = expandRepeats([panel(1, 0, 0, 24, 4, { repeat: 'job', maxPerRow: 2 }), panel(2, 0, 4)], (name) =>
      name === 'job' ? values('a', 'b', 'c') : undefined
    );
    expect(section!.panels.map((p) => [p.key, p.x, p.y, p.w])).toEqual([
      ['panel-1', 0, 0, 12],
      ['panel-1-clone-1', 12, 0, 12],
      ['panel-1-clone-2', 0, 4, 12],
      ['panel-2', 0, 8, 12],
    ]);
    expect(section!.panels[1]!.scoped).toEqual([{ name: 'job', value: 'b', text: 'B' }]);
    expect(section!.panels[1]!.source).toBe('panel-1');
  });

  test('puts copies below each other when asked to', () => {
    const [section] = expandRepeats([panel(1, 6, 0, 6, 4, { repeat: 'job', repeatDirection: 'v' })], () => values('a', 'b'));
    expect(section!.panels.map((p) => [p.x, p.y, p.w])).toEqual([
      [6, 0, 6],
      [6, 4, 6],
    ]);
  });

  test('repeats a row with everything in it', () => {
    const sections = expandRepeats([row(1, 0, { repeat: 'job' }), panel(2, 0, 1), row(3, 9), panel(4, 0, 10)], (name) =>
      name === 'job' ? values('a', 'b') : undefined
    );
    expect(sections.map((s) => [s.row!.key, s.row!.y, s.panels.map((p) => [p.key, p.y])])).toEqual([
      ['panel-1', 0, [['panel-2', 1]]],
      ['panel-1-clone-1', 9, [['panel-2-row-1', 10]]],
      ['panel-3', 18, [['panel-4', 19]]],
    ]);
    expect(sections[1]!.panels[0]!.scoped[0]!.value).toBe('b');
  });

  test('a panel in a repeated row that repeats by the same variable is not repeated again', () => {
    const sections = expandRepeats([row(1, 0, { repeat: 'job' }), panel(2, 0, 1, 12, 8, { repeat: 'job' })], () => values('a', 'b'));
    expect(sections.map((s) => s.panels.length)).toEqual([1, 1]);
  });

  test('a repeated panel in a repeated row has a key for each pair', () => {
    const sections = expandRepeats([row(1, 0, { repeat: 'host', collapsed: true, panels: [panel(2, 0, 1, 8, 4, { repeat: 'zone' })] })], (name) =>
      name === 'host' ? values('a', 'b') : values('x', 'y')
    );
    const copies = sections.flatMap((s) => s.panels.map((p) => [p.key, ...p.scoped.map((v) => v.value)]));
    expect(copies).toEqual([
      ['panel-2', 'a', 'x'],
      ['panel-2-clone-1', 'a', 'y'],
      ['panel-2-row-1', 'b', 'x'],
      ['panel-2-row-1-clone-1', 'b', 'y'],
    ]);
  });

  test('what is below a row that was opened on the screen makes room', () => {
    const sections = expandRepeats(
      [row(1, 0, { collapsed: true, panels: [panel(2, 0, 1)] }), row(3, 1)],
      () => undefined,
      (key) => (key === 'panel-1' ? false : undefined)
    );
    expect(sections.map((s) => s.row!.y)).toEqual([0, 9]);
  });

  test('a closed row takes one line and keeps its panels', () => {
    const sections = expandRepeats([row(1, 0, { collapsed: true, panels: [panel(2, 0, 1)] }), row(3, 1), panel(4, 0, 2)], () => undefined);
    expect(sections.map((s) => [s.row!.y, s.row!.collapsed, s.panels[0]!.y])).toEqual([
      [0, true, 1],
      [1, false, 2],
    ]);
  });

  test('what follows a closed row is not in it', () => {
    const sections = expandRepeats([row(1, 0, { collapsed: true, panels: [panel(2, 0, 1)] }), panel(3, 0, 1), row(4, 9)], () => undefined);
    expect(sections.map((s) => [s.row?.key, s.panels.map((p) => [p.key, p.y])])).toEqual([
      ['panel-1', [['panel-2', 1]]],
      [undefined, [['panel-3', 1]]],
      ['panel-4', []],
    ]);
  });
});

test('repeatVariables looks into closed rows', () => {
  expect(repeatVariables([row(1, 0, { collapsed: true, repeat: 'a', panels: [panel(2, 0, 1, 12, 8, { repeat: 'b' })] })])).toEqual(['a', 'b']);
});
