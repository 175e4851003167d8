import type { Dashboard } from '@grafana/schema';
import { expect, test } from 'vitest';

import { History } from './history';

const model = (title: string) => ({ title, panels: [] }) as unknown as Dashboard;

test('goes back and forth, and forgets what was taken back once something else is done', () => {
  const history = new History();
  expect(history.names).toEqual({ undo: undefined, redo: undefined });
  expect(history.undo({ model: model('now'), dirty: false })).toBeUndefined();
  history.record({ model: model('a'), dirty: false, what: 'first' });
  history.record({ model: model('b'), dirty: true, what: 'second' });
  expect(history.undo({ model: model('c'), dirty: true })).toMatchObject({ model: { title: 'b' }, dirty: true });
  expect(history.names).toEqual({ undo: 'first', redo: 'second' });
  expect(history.undo({ model: model('b'), dirty: true })).toMatchObject({ model: { title: 'a' }, dirty: false });
  expect(history.redo({ model: model('a'), dirty: false })).toMatchObject({ model: { title: 'b' }, dirty: true });
  history.record({ model: model('b'), dirty: true, what: 'third' });
  expect(history.names).toEqual({ undo: 'third', redo: undefined });
});

test('after a save what was saved before is a change', () => {
  const history = new History();
  history.record({ model: model('a'), dirty: false, what: 'first' });
  history.saved();
  expect(history.undo({ model: model('b'), dirty: false })).toMatchObject({ model: { title: 'a' }, dirty: true });
  expect(history.redo({ model: model('a'), dirty: true })).toMatchObject({ model: { title: 'b' }, dirty: false });
});

test('remembers a hundred steps', () => {
  const history = new History();
  for (let i = 0; i < 150; i++) {
    history.record({ model: model(String(i)), dirty: true, what: String(i) });
  }
  let steps = 0;
  while (history.undo({ model: model('x'), dirty: true })) {
    steps++;
  }
  expect(steps).toBe(100);
});
