import { expect, test } from 'vitest';

import type { Route } from '../../api/alerting';
import { pathsOf } from './Path';

const route = (id: string, matches: boolean, routes: Route[] = []): Route => ({
  id,
  receiver: id,
  matches,
  routes,
  matchers: [],
  continue: false,
  groupBy: [],
  groupWait: '',
  groupInterval: '',
  repeatInterval: '',
  muteTimeIntervals: [],
  activeTimeIntervals: [],
});

test('every way to a place where an alert ends', () => {
  const tree = route('top', false, [route('a', true), route('b', false, [route('c', true)]), route('d', false)]);
  expect(pathsOf(tree).map((path) => path.map((r) => r.id))).toEqual([
    ['top', 'a'],
    ['top', 'b', 'c'],
  ]);
  expect(pathsOf(route('top', true)).map((path) => path.map((r) => r.id))).toEqual([['top']]);
});
