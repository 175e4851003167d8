import { dateTime, FieldType } from '@grafana/data';
import { describe, expect, test } from 'vitest';

import { addFilters } from './adhoc';
import { formatForQuery } from './escape';
import { exemplarFrame } from './exemplars';
import { framesOf } from './frames';
import { align, durationText, rateInterval, seconds, stepOf } from './interval';
import { legendOf } from './legend';
import { splitLabelValues } from './metricFind';
import type { PreparedQuery, PromData } from './types';

const query: PreparedQuery = { refId: 'A', expr: 'up', start: 0, end: 60, step: 15, legendFormat: '', format: 'time_series', range: true, instant: false, exemplar: false };

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

describe('legendOf', () => {
  test.each([
    ['', { __name__: 'up', job: 'a' }, 'up{job="a"}'],
    ['{{job}} of {{ none }}', { job: 'a' }, 'a of '],
    ['', {}, 'sum(up)'],
    ['__auto', { job: 'a' }, undefined],
    ['__auto', {}, 'sum(up)'],
  ])('%s', (format, labels, wanted) => expect(legendOf(format, labels as Record<string, string>, 'sum(up)')).toBe(wanted));
});

describe('framesOf', () => {
  const matrix: PromData = { resultType: 'matrix', result: [{ metric: { __name__: 'up', job: 'a' }, values: [[0, '1'], [15, 'NaN'], [30, '+Inf']] }] };

  test('a frame per series with the step as interval', () => {
    const [frame] = framesOf(matrix, query, false);
    expect(frame!.fields[0]).toMatchObject({ type: FieldType.time, values: [0, 15000, 30000], config: { interval: 15000 } });
    expect(frame!.fields[1]).toMatchObject({ values: [1, NaN, Infinity], labels: { job: 'a' }, config: { displayNameFromDS: 'up{job="a"}' } });
  });

  test('a table of all series', () => {
    const vector: PromData = { resultType: 'vector', result: [{ metric: { job: 'a' }, value: [1, '2'] }, { metric: { job: 'b', x: 'y' }, value: [1, '3'] }] };
    const [frame] = framesOf(vector, { ...query, format: 'table', range: false, instant: true }, true);
    expect(frame!.fields.map((f) => [f.name, f.values])).toEqual([['Time', [1000, 1000]], ['job', ['a', 'b']], ['x', ['', 'y']], ['Value #A', [2, 3]]]);
  });

  test('classic buckets become rows that count their own', () => {
    const buckets: PromData = {
      resultType: 'matrix',
      result: [{ metric: { le: '+Inf' }, values: [[0, '5']] }, { metric: { le: '0.5' }, values: [[0, '3']] }, { metric: { le: '0.1' }, values: [[0, '1']] }],
    };
    const [frame] = framesOf(buckets, { ...query, format: 'heatmap' }, false);
    expect(frame!.fields.slice(1).map((f) => [f.name, f.values])).toEqual([['0.1', [1]], ['0.5', [2]], ['+Inf', [2]]]);
  });

  test('native histograms become cells', () => {
    const native: PromData = { resultType: 'matrix', result: [{ metric: {}, histograms: [[60, { count: '3', sum: '4', buckets: [[0, '1', '2', '3']] }]] }] };
    const [frame] = framesOf(native, { ...query, format: 'heatmap' }, false);
    expect(frame!.fields.map((f) => [f.name, f.values])).toEqual([['xMax', [60000]], ['yMin', [1]], ['yMax', [2]], ['count', [3]]]);
  });
});

describe('exemplarFrame', () => {
  const at = (timestamp: number, value: number, id: string) => ({ timestamp, value: String(value), labels: { trace_id: id } });

  test('has a column per label, in the order of time, and links where traces are', () => {
    const frame = exemplarFrame(
      [{ seriesLabels: { job: 'a' }, exemplars: [at(40, 2, 'y')] }, { seriesLabels: {}, exemplars: [at(10, 1, 'x')] }], query,
      [{ name: 'trace_id', url: 'https://t/${__value.raw}' }, { name: 'trace_id', url: 'https://u', urlDisplayLabel: 'U' }, { name: 'job' }]
    )!;
    expect(frame.fields.map((f) => [f.name, f.values])).toEqual([['Time', [10_000, 40_000]], ['Value', [1, 2]], ['trace_id', ['x', 'y']], ['job', ['', 'a']]]);
    expect(frame.fields[2]!.config.links!.map((l) => [l.title, l.url])).toEqual([['Go to https://t/${__value.raw}', 'https://t/${__value.raw}'], ['U', 'https://u']]);
    expect(frame.fields[3]!.config.links).toBeUndefined();
  });

  test('of many in one step the highest stay, and those far below', () => {
    const frame = exemplarFrame([{ seriesLabels: {}, exemplars: [at(1, 10, 'a'), at(2, 9, 'b'), at(3, 9.5, 'c'), at(4, 1, 'd'), at(16, 9, 'e')] }], query)!;
    expect(frame.fields[2]!.values).toEqual(['a', 'd', 'e']);
    const same = exemplarFrame([{ seriesLabels: {}, exemplars: [at(1, 5, 'a'), at(2, 5, 'b')] }], query)!;
    expect(same.fields[2]!.values).toEqual(['a']);
  });

  test('is nothing without exemplars', () => expect(exemplarFrame([{ seriesLabels: {}, exemplars: [] }], query)).toBeUndefined());
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
