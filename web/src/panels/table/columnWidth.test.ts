import { expect, test } from 'vitest';
import { withColumnWidth } from './columnWidth';

test('adds an override, then changes it, and leaves the others', () => {
  const source = { defaults: {}, overrides: [{ matcher: { id: 'byName', options: 'b' }, properties: [{ id: 'unit', value: 's' }] }] };
  const once = withColumnWidth(source, 'a', 120.4);
  expect(once.overrides[1]).toEqual({ matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'custom.width', value: 120 }] });
  expect(withColumnWidth(once, 'a', 80).overrides).toEqual([
    source.overrides[0],
    { matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'custom.width', value: 80 }] },
  ]);
  expect(withColumnWidth(source, 'b', 50).overrides[0]!.properties).toEqual([
    { id: 'unit', value: 's' },
    { id: 'custom.width', value: 50 },
  ]);
  expect(source.overrides).toHaveLength(1);
});
