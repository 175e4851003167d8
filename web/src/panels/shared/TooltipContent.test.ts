import { expect, test } from 'vitest';

import { mostItems, shownOf } from './TooltipContent';

const items = (count: number, active?: number) => Array.from({ length: count }, (_, i) => ({ label: `s${i}`, value: String(i), isActive: i === active }));
const labels = (count: number, active?: number) => shownOf(items(count, active)).map((item) => item.label);

test('few are shown as they are', () => {
  expect(labels(3, 1)).toEqual(['s0', 's1', 's2']);
  expect(labels(mostItems)).toHaveLength(mostItems);
});

test('of many the first are shown, and the one under the pointer', () => {
  expect(labels(300)).toHaveLength(mostItems);
  expect(labels(300, 5).at(-1)).toBe(`s${mostItems - 1}`);
  expect(labels(300, 299)).toHaveLength(mostItems);
  expect(labels(300, 299).at(-1)).toBe('s299');
});
