import { expect, test } from 'vitest';

import type { StatusEvent } from '../../api/statusPages';
import { sorted, stateOf, zoneName } from './statusEvents';

const at = (hours: number) => new Date(Date.UTC(2026, 10, 29, 12) + hours * 3_600_000).toISOString();
const now = Date.parse(at(0));
const event = (id: number, part: Partial<StatusEvent>): StatusEvent => ({
  id,
  planned: false,
  title: '',
  components: [],
  starts: at(-1),
  updates: null,
  ...part,
});

test('events are sorted by what can be done about them', () => {
  const events = [
    event(1, { planned: true, starts: at(5), ends: at(6) }),
    event(2, { planned: true, starts: at(-1), ends: at(1) }),
    event(3, { planned: true, starts: at(-3), ends: at(-2) }),
    event(4, {}),
    event(5, { ends: at(-1) }),
  ];
  const { open, planned, past } = sorted(events, now);
  expect([open, planned, past].map((list) => list.map((e) => e.id))).toEqual([[4], [2, 1], [3, 5]]);
  expect(events.map((e) => stateOf(e, now))).toEqual(['planned', 'in progress', 'over', 'investigating', 'investigating']);
  expect(stateOf(event(6, { updates: [{ time: at(0), stage: 'monitoring', text: '' }] }), now)).toBe('monitoring');
});

test('the zone has a name', () => {
  expect(zoneName('utc')).toBe('UTC');
  expect(zoneName('Asia/Tokyo')).toBe('Asia/Tokyo');
  expect(zoneName('browser')).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
});
