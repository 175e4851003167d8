import { describe, expect, test } from 'vitest';
import { labelFits, labelPoint, slicePath, slicesOf } from './slices';

describe('slicesOf', () => {
  test('shares the circle', () => {
    const slices = slicesOf([1, 0, 3, NaN, -5, Infinity]);
    expect(slices.map((slice) => [slice.index, slice.share])).toEqual([
      [0, 0.25],
      [2, 0.75],
    ]);
    expect(slices[0]!.end).toBeCloseTo(Math.PI / 2);
    expect(slices[1]!.end).toBeCloseTo(2 * Math.PI);
  });
  test.each([[[]], [[0, 0]], [[NaN]]])('%j is no pie', (values) => expect(slicesOf(values)).toEqual([]));
});

test('paths', () => {
  const [quarter, rest] = slicesOf([1, 3]);
  expect(slicePath(quarter!, 10, 0)).toBe('M 0 -10 A 10 10 0 0 1 10 0 L 0 0 Z');
  expect(slicePath(rest!, 10, 5)).toBe('M 10 0 A 10 10 0 1 1 0 -10 L 0 -5 A 5 5 0 1 0 5 0 Z');
  expect(slicePath(slicesOf([7])[0]!, 10, 0).match(/A/g)).toHaveLength(2);
  expect(slicePath(slicesOf([7])[0]!, 10, 4).match(/A/g)).toHaveLength(4);
});

test('labels', () => {
  const [half, other] = slicesOf([1, 1]);
  expect(labelPoint(half!, 10, 0)).toEqual({ x: 6.5, y: 0 });
  expect(labelPoint(other!, 10, 6)).toEqual({ x: -8, y: 0 });
  expect(labelFits(half!, 100, 0, 60, 12)).toBe(true);
  expect(labelFits(slicesOf([1, 99])[0]!, 100, 0, 60, 12)).toBe(false);
});
