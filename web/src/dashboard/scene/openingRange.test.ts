import { expect, test } from 'vitest';

import { openingFrom } from './openingRange';

const minute = 60_000;

test.each([
  ['now-1h', undefined, 'now-5m'],
  ['now-1h', 0, 'now-5m'],
  ['now-1h', 5, 'now-5m'],
  ['now-1h', 5.1, 'now-15m'],
  ['now-1h', 29, 'now-30m'],
  ['now-1h', 31, 'now-1h'],
  ['now-1h', 60 * 24 * 15, 'now-1h'],
  ['now-6h', 1, 'now-6h'],
  ['now/d', 1, 'now/d'],
] as const)('%s with a history of %s minutes opens at %s', (from, age, wanted) => {
  const now = Date.UTC(2026, 10, 29);
  expect(openingFrom(from, age === undefined ? undefined : now - age * minute, now)).toBe(wanted);
});
