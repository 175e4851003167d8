import { describe, expect, test } from 'vitest';

import { keepPanel, keptPanel, readPanel } from './clipboard';

const panel = { id: 7, type: 'timeseries', title: 'CPU', gridPos: { x: 3, y: 4, w: 5, h: 6 }, targets: [{ refId: 'A', expr: 'up' }] };

test('a copied panel is read as it was', () => {
  const copied = readPanel(keepPanel(panel as never));
  expect(copied).toMatchObject(panel);
  expect(readPanel(keptPanel()!)).toEqual(copied);
});

test('what Grafana has copied of an old panel is brought to its present form', () => {
  expect(readPanel('{"type":"graph","title":"old","targets":[{"refId":"A","expr":"up"}]}').type).toBe('timeseries');
});

describe('what comes from a clipboard and is no panel', () => {
  test.each([
    ['', 'It is not JSON'],
    ['rate(http_requests_total[5m])', 'It is not JSON'],
    ['{"type":', 'It is not JSON'],
    ['null', 'A panel is a JSON object'],
    ['[]', 'A panel is a JSON object'],
    ['{}', 'A panel is a JSON object'],
    ['{"type":1}', 'A panel is a JSON object'],
    ['{"title":"D","panels":[]}', 'A panel is a JSON object'],
    ['{"type":"row","title":"R"}', 'It is a row or a dashboard, not a panel'],
    ['{"type":"x","panels":[{"type":"text"}]}', 'It is a row or a dashboard, not a panel'],
    ['{"type":"pluginlist"}', 'removed'],
    [`{"type":"text","a":"${'x'.repeat(1_000_001)}"}`, 'It exceeds one megabyte'],
  ])('case %# is refused', (text, reason) => {
    expect(() => readPanel(text)).toThrow(reason);
  });

  test.each([
    ['a place outside', { gridPos: { x: -5, y: 1e12, w: 900, h: 1e9 } }, { w: 24, h: 60 }],
    ['a place that is none', { gridPos: 'left' }, { w: 12, h: 8 }],
    ['parts of wrong types', { title: {}, targets: 'up', options: 3, fieldConfig: [], links: 'javascript:', transformations: 5 }, { w: 12, h: 8 }],
  ])('%s is taken as absent', (_, more, size) => {
    expect(readPanel(JSON.stringify({ type: 'stat', ...more }))).toMatchObject({ type: 'stat', gridPos: size });
  });

  test('names of prototypes reach none', () => {
    const read = readPanel('{"type":"stat","__proto__":{"polluted":1},"options":{"__proto__":{"polluted":1},"a":1}}');
    expect(Object.hasOwn(read, '__proto__')).toBe(false);
    expect((read as unknown as { polluted?: number }).polluted).toBeUndefined();
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(read.options).toEqual(expect.objectContaining({ a: 1 }));
  });
});
