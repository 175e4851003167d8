import { dateTime, FieldType } from '@grafana/data';
import { describe, expect, test } from 'vitest';

import { addFilters } from './adhoc';
import { formatForQuery } from './escape';
import { withTraces } from './exemplars';
import { align, durationText, rateInterval, seconds, stepOf } from './interval';
import { splitLabelValues } from './metricFind';

describe('formatForQuery', () => {
  test('escapes for strings and for regular expressions', () => {
    expect(formatForQuery('a"b\\c', {})).toBe('a\\"b\\\\c');
    expect(formatForQuery('a.b', { multi: true })).toBe('a\\\\.b');
    expect(formatForQuery(['a.b', 'c'], { multi: true })).toBe('(a\\\\.b|c)');
    expect(formatForQuery(['a'], { multi: true })).toBe('a');
  });
});

describe('intervals', () => {
  test('are read and written as Prometheus does', () => {
    expect(['15s', '>10s', '1m', '', '$x', '30'].map(seconds)).toEqual([15, 10, 60, 0, 0, 30]);
    expect([90, 3600, 15, 0.25].map(durationText)).toEqual(['1m30s', '1h', '15s', '250ms']);
    expect(rateInterval(15, 15)).toBe(60);
    expect(rateInterval(120, 15)).toBe(135);
  });

  test('the step keeps below the points that Prometheus answers', () => {
    const range = (days: number) => ({ from: dateTime(0), to: dateTime(days * 86_400_000), raw: { from: '', to: '' } });
    expect(stepOf(range(1 / 24), 15, 15, 1)).toBe(15);
    expect(stepOf(range(30), 1, 1, 1)).toBe(236);
  });

  test('are aligned', () => {
    expect(align(101, 199, 15, 0)).toEqual({ start: 90, end: 195 });
  });
});

test('label_values is taken apart, commas and quotes included', () => {
  expect(splitLabelValues('label_values(job)')).toEqual({ label: 'job', selector: undefined });
  expect(splitLabelValues('label_values(up{a="x,y", b=~"(c|d)"}, instance)')).toEqual({ selector: 'up{a="x,y", b=~"(c|d)"}', label: 'instance' });
  expect(splitLabelValues('query_result(up)')).toBeUndefined();
});

test('labels of exemplars that name a trace are links', () => {
  const field = (name: string) => ({ name, type: FieldType.string, config: {}, values: ['x'] });
  const frame = withTraces({ name: 'exemplar', length: 1, fields: [field('trace_id'), field('job')] }, [
    { name: 'trace_id', url: 'https://t/${__value.raw}' },
    { name: 'trace_id', url: 'https://u', urlDisplayLabel: 'U' },
    { name: 'job' },
  ]);
  expect(frame.fields[0]!.config.links!.map((l) => [l.title, l.url])).toEqual([
    ['Go to https://t/${__value.raw}', 'https://t/${__value.raw}'],
    ['U', 'https://u'],
  ]);
  expect(frame.fields[1]!.config.links).toBeUndefined();
});

describe('addFilters', () => {
  const filter = { key: 'job', operator: '=', value: 'a"b' };
  test.each([
    ['up', 'up{job="a\\"b"}'],
    ['rate(x{y="z"}[5m]) / sum(w)', 'rate(x{y="z", job="a\\"b"}[5m]) / sum(w{job="a\\"b"})'],
    ['up{}', 'up{job="a\\"b"}'],
  ])('%s', (expr, wanted) => expect(addFilters(expr, [filter])).toBe(wanted));

  test('several values become a regular expression', () => {
    expect(addFilters('up', [{ key: 'job', operator: '=|', value: 'a', values: ['a.b', 'c'] }])).toBe('up{job=~"a\\\\.b|c"}');
  });
});
