import { describe, expect, test } from 'vitest';
import { itemsOf, matches, parseMatchers, whyNone, type AlertListOptions, type RuleGroup } from './alerts';

const alert = (state: string, activeAt: string, labels: Record<string, string>) => ({
  state,
  activeAt,
  labels,
  annotations: { summary: `${labels.host} is ill` },
});
const groups: RuleGroup[] = [
  {
    name: 'g',
    file: 'f.yml',
    rules: [
      {
        type: 'alerting',
        name: 'HostDown',
        state: 'firing',
        health: 'ok',
        alerts: [
          alert('firing', '2026-01-01T00:00:00Z', { host: 'a', severity: 'critical' }),
          alert('pending', '2026-01-03T00:00:00Z', { host: 'b', severity: 'warning' }),
        ],
      },
      {
        type: 'alerting',
        name: 'DiskFull',
        state: 'pending',
        health: 'ok',
        alerts: [alert('pending', '2026-01-02T00:00:00Z', { host: 'b', severity: 'critical' })],
      },
      { type: 'alerting', name: 'Calm', state: 'inactive', health: 'ok', alerts: [] },
      { type: 'alerting', name: 'Broken', state: 'inactive', health: 'err', lastError: 'no such metric' },
      { type: 'recording', name: 'a:b' },
    ],
  },
  { name: 'empty', file: 'f.yml' } as never,
];
const options: AlertListOptions = {
  viewMode: 'list',
  groupMode: 'default',
  groupBy: [],
  maxItems: 20,
  sortOrder: 1,
  dashboardAlerts: false,
  alertName: '',
  alertInstanceLabelFilter: '',
  stateFilter: {},
  showInstances: false,
};
const names = (more: Partial<AlertListOptions>, name = '', labels = '') =>
  itemsOf(groups, { ...options, ...more }, { name, labels: parseMatchers(labels) }).map((item) => item.title);

describe('itemsOf', () => {
  test.each([
    ['by name', { sortOrder: 1 }, ['Broken', 'DiskFull', 'HostDown']],
    ['backwards', { sortOrder: 2 }, ['HostDown', 'DiskFull', 'Broken']],
    ['importance', { sortOrder: 3 }, ['HostDown', 'Broken', 'DiskFull']],
    ['oldest first', { sortOrder: 4 }, ['HostDown', 'DiskFull', 'Broken']],
    ['newest first', { sortOrder: 5 }, ['DiskFull', 'HostDown', 'Broken']],
    ['at most one', { maxItems: 1 }, ['Broken']],
    ['firing', { stateFilter: { firing: true, normal: false } }, ['HostDown']],
    ['normal and pending', { stateFilter: { normal: true, pending: true } }, ['Calm', 'DiskFull']],
    ['grouped', { groupMode: 'custom' as const, groupBy: ['severity'], sortOrder: 1 }, ['severity=critical', 'severity=warning']],
    ['grouped by nothing', { groupMode: 'custom' as const }, ['No grouping']],
  ])('%s', (_name, more, want) => {
    expect(names(more)).toEqual(want);
  });

  test('filters by name and by label of the alerts', () => {
    expect(names({}, 'host')).toEqual(['HostDown']);
    expect(names({}, '', 'severity="warning"')).toEqual(['HostDown']);
    const [item] = itemsOf(groups, options, { name: '', labels: parseMatchers('{severity="warning"}') });
    expect(item).toMatchObject({ state: 'pending', summary: 'b is ill', since: Date.parse('2026-01-03') });
    expect(item!.alerts).toHaveLength(1);
  });

  test('carries the error of a rule', () => {
    expect(itemsOf(groups, { ...options, stateFilter: { error: true } }, { name: '', labels: [] })[0]).toMatchObject({
      state: 'error',
      error: 'no such metric',
    });
  });
});

describe('matchers', () => {
  test.each([
    ['{a="b"}', { a: 'b' }, true],
    ['a="b"', { a: 'c' }, false],
    ['a!="b"', {}, true],
    ['a=~"b|c", d!~"x.*"', { a: 'c', d: 'y' }, true],
    ['a=~"b"', { a: 'bb' }, false],
    ["a=b, c='d'", { a: 'b', c: 'd' }, true],
    ['a="say \\"x\\", y"', { a: 'say "x", y' }, true],
    ['', {}, true],
  ])('%s', (text, labels, want) => {
    expect(parseMatchers(text).every((matcher) => matches(matcher, labels as Record<string, string>))).toBe(want);
  });

  test.each(['a', '=x', 'a=~"("', 'a="b" c="d"'])('%s is refused', (text) => {
    expect(() => parseMatchers(text)).toThrow(/label filter/);
  });
});

test.each([
  ['No alerting rules', [], {}, false],
  ['No alerts match the filter', groups, {}, true],
  ['No alert is firing or pending', groups, {}, false],
  ['No alert is firing', groups, { firing: true, error: true }, false],
  ['No alerts in the selected states', groups, { noData: true }, false],
])('%s', (wanted, all, stateFilter, filtered) => expect(whyNone(all, { ...options, stateFilter }, filtered)).toBe(wanted));
