import { expect, test } from 'vitest';

import { logsOfAlert, logsPath, selectorOf } from './related';

test.each([
  [[{ container: 'api', job: 'shop' }], '{container="api"}'],
  [[{ container: 'api' }, { container: 'db.1' }], '{container=~"api|db\\\\.1"}'],
  [[{ image: 'x', name: 'api' }], '{container="api"}'],
  [[{ name: 'ssh.service' }], undefined],
  [[{ job: 'shop', le: '1' }], '{job="shop"}'],
  [[{ x: 'y' }], undefined],
  [[], undefined],
  [Array.from({ length: 21 }, (_, i) => ({ container: `c${i}`, job: 'many' })), '{job="many"}'],
])('the lines of %j', (series, want) => {
  expect(selectorOf(series)).toBe(want);
});

test('only labels that streams have are asked for', () => {
  expect(selectorOf([{ instance: 'a:1', job: 'shop' }], ['job'])).toBe('{job="shop"}');
});

test('addresses carry the time and what one came from', () => {
  expect(logsPath('{a="b"}', { range_input: '5m', end_input: '2026-11-27 10:00:00' }, 'up')).toBe(
    '/explore?g0.expr=%7Ba%3D%22b%22%7D&g0.tab=0&g0.source=loki&g0.range_input=5m&g0.end_input=2026-11-27+10%3A00%3A00&g0.back=up'
  );
  expect(logsOfAlert({ container: 'api' }, '2026-11-27T10:00:00Z')).toContain('g0.range_input=15m&g0.end_input=2026-11-27+10%3A05%3A00');
  expect(logsOfAlert({ severity: 'x' }, '2026-11-27T10:00:00Z')).toBeUndefined();
});
