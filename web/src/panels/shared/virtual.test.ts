import { expect, test } from 'vitest';
import { offsetsOf, visibleRange } from './virtual';

const offsets = offsetsOf(5000, (i) => (i % 2 === 0 ? 20 : 40));

test('offsets add up', () => {
  expect(offsets.slice(0, 4)).toEqual([0, 20, 60, 80]);
  expect(offsets[5000]).toBe(150_000);
  expect(offsetsOf(0, () => 1)).toEqual([0]);
});

test.each([
  [0, 100, 0, { from: 0, to: 4 }],
  [60, 20, 0, { from: 2, to: 4 }],
  [149_990, 100, 0, { from: 4999, to: 5000 }],
  [75_000, 300, 300, { from: 2490, to: 2521 }],
  [-50, 10, 0, { from: 0, to: 1 }],
])('from %i, %i high, %i more', (top, height, overscan, want) => {
  expect(visibleRange(offsets, top, height, overscan)).toEqual(want);
});

test('an empty list shows nothing', () => {
  expect(visibleRange([0], 0, 100, 10)).toEqual({ from: 0, to: 0 });
});
