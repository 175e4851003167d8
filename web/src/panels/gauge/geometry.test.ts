import { describe, expect, test } from 'vitest';
import { angleAt, arcPath, layoutDial, lit, pointAt, segments, share, thresholdPieces } from './geometry';

const base = { width: 200, height: 200, shape: 'gauge' as const, barWidthFactor: 0.5, ring: true, labels: true, name: true };

describe('layoutDial', () => {
  test.each([
    [200, 200],
    [40, 400],
    [600, 60],
    [20, 20],
    [1200, 700],
    [1, 1],
  ])('fits into %i × %i', (width, height) => {
    for (const shape of ['gauge', 'circle'] as const) {
      const dial = layoutDial({ ...base, shape, width, height, labels: width > 100, name: height > 100 });
      expect(dial.radius).toBeGreaterThan(0);
      expect(dial.barWidth).toBeGreaterThan(0);
      if (Math.min(width, height) >= 20) {
        const outer = dial.ringRadius + dial.ringWidth / 2;
        expect(dial.cx + outer).toBeLessThanOrEqual(width + 0.01);
        expect(dial.cy - outer).toBeGreaterThanOrEqual(-0.01);
        const bottom = shape === 'circle' ? dial.cy + outer : pointAt(dial, outer, angleAt(dial, 1)).y;
        expect(bottom).toBeLessThanOrEqual(height - dial.nameHeight + 0.01);
      }
    }
  });

  test('opens downwards, evenly', () => {
    const dial = layoutDial(base);
    expect([angleAt(dial, 0), angleAt(dial, 0.5), angleAt(dial, 1)]).toEqual([-110, 0, 110]);
  });
});

test.each([
  [5, 0, 10, 0.5],
  [-5, 0, 10, 0],
  [50, 0, 10, 1],
  [5, 5, 5, 0],
  [NaN, 0, 1, 0],
  [Infinity, 0, 1, 1],
])('share of %d in %d…%d is %d', (value, min, max, want) => {
  expect(share(value, min, max)).toBe(want);
});

test('arcs', () => {
  const dial = { ...layoutDial(base), cx: 0, cy: 0 };
  expect(arcPath(dial, 10, 0, 90)).toBe('M 0 -10 A 10 10 0 0 1 10 0');
  expect(arcPath(dial, 10, 0, 270)).toBe('M 0 -10 A 10 10 0 1 1 -10 0');
  expect(arcPath(dial, 10, 0, 360).match(/A/g)).toHaveLength(2);
});

test('segments', () => {
  expect(segments(1, 0.5, false)).toEqual([{ from: 0, to: 1 }]);
  const four = segments(4, 0.3, false);
  expect(four).toHaveLength(4);
  expect(four[0]!.from).toBe(0);
  expect(four[3]!.to).toBeCloseTo(1);
  expect(four[1]!.from).toBeGreaterThan(four[0]!.to);
  expect(segments(4, 0.3, true)[3]!.to).toBeLessThan(1);
  expect(segments(NaN, NaN, false)).toHaveLength(1);
  expect(lit({ from: 0.25, to: 0.5 }, 0, 0.3)).toEqual({ from: 0.25, to: 0.3 });
  expect(lit({ from: 0.25, to: 0.5 }, 0, 0.2)).toBeUndefined();
  expect(lit({ from: 0.25, to: 0.5 }, 1, 0.4)).toEqual({ from: 0.4, to: 0.5 });
});

describe('thresholdPieces', () => {
  const steps = [
    { value: -Infinity, color: 'green' },
    { value: 50, color: 'orange' },
    { value: 80, color: 'red' },
  ];
  test('absolute', () => {
    expect(thresholdPieces(steps, 0, 100, false)).toEqual([
      { from: 0, to: 0.5, color: 'green' },
      { from: 0.5, to: 0.8, color: 'orange', value: 50 },
      { from: 0.8, to: 1, color: 'red', value: 80 },
    ]);
  });
  test('percentage', () => {
    expect(thresholdPieces(steps, 100, 200, true).map((piece) => piece.value)).toEqual([undefined, 150, 180]);
  });
  test('outside of the range', () => {
    expect(thresholdPieces(steps, 0, 40, false)).toEqual([{ from: 0, to: 1, color: 'green' }]);
    expect(thresholdPieces(steps, 90, 100, false)).toEqual([{ from: 0, to: 1, color: 'red' }]);
  });
});
