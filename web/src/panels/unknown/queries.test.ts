import { expect, test } from 'vitest';
import { queriesOf } from './queries';

test('queries are their expressions, or JSON', () => {
  const targets = [{ refId: 'A', expr: 'up' }, { refId: 'B', query: 'select 1' }, { refId: 'C', expr: '', metric: '<script>' }, {}];
  expect(queriesOf({ type: 'geomap', targets } as never)).toEqual(['A: up', 'B: select 1', 'C: {"refId":"C","expr":"","metric":"<script>"}', '?: {}']);
  expect(queriesOf(undefined)).toEqual([]);
});
