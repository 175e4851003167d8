import { expect, test } from 'vitest';

import type { Definition, Heartbeat } from '../../api/heartbeats';
import { crontabLine, definitionOf, draftOf, noDraft, scheduleOf, sorted, span, stateOf } from './heartbeats';

const heartbeat = (name: string, status: string, more: Partial<Heartbeat> = {}): Heartbeat => ({
  name,
  group: '',
  labels: {},
  grace: 300,
  status,
  due: '2026-11-29T12:00:00Z',
  ...more,
});

test('the worst state comes first', () => {
  const all = [heartbeat('b', 'up'), heartbeat('a', 'up'), heartbeat('c', 'up', { group: 'A' }), heartbeat('d', 'new'), heartbeat('e', 'missing')];
  expect(sorted(all).map((h) => h.name)).toEqual(['e', 'd', 'a', 'b', 'c']);
  expect(all[0]?.name).toBe('b');
});

test('a state has a text, also one of a newer server', () => {
  expect(stateOf('up').text).toBe('in time');
  expect(stateOf('new').text).toBe('never seen');
  expect(stateOf('constructor').text).toBe('constructor');
});

test('a schedule with its limits', () => {
  expect(scheduleOf(heartbeat('a', 'up', { every: '1d12h' }))).toBe('every 1d12h · grace 5m');
  expect(scheduleOf(heartbeat('a', 'up', { cron: '0 3 * * *', timezone: 'Europe/Berlin', grace: 0, maxDuration: 5400 }))).toBe(
    '0 3 * * * (Europe/Berlin) · grace 0s · at most 1h30m'
  );
  expect([span(90), span(86_400), span(0.5)]).toEqual(['1m30s', '1d', '0.5s']);
});

test('a form describes a heartbeat, and a heartbeat fills the form', () => {
  const full: Definition = {
    name: 'backup',
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
    grace: '1h',
    max_duration: '2h',
    group: 'nightly',
    labels: { team: 'a=b', room: '' },
  };
  expect(definitionOf(draftOf(full))).toEqual(full);
  expect(draftOf(full).labels).toBe('team=a=b\nroom=');
  const short: Definition = { name: 'x', every: '1d' };
  expect(definitionOf(draftOf(short))).toEqual(short);
  const utc: Definition = { name: 'x', cron: '@daily' };
  expect(definitionOf(draftOf(utc))).toEqual(utc);
  expect(definitionOf({ ...noDraft(), name: ' x ', kind: 'every', every: ' 1h ', cron: '0 3 * * *', labels: '\n team = a \n' })).toEqual({
    name: 'x',
    every: '1h',
    labels: { team: 'a' },
  });
});

test('the line of a crontab', () => {
  const line = (d: Partial<Definition>, base = 'https://a.example/ausguck/') => crontabLine({ name: 'x', ...d }, base, 'TOKEN');
  const job = '/path/to/job; curl -fsS -m 10 --retry 5 -o /dev/null https://a.example/ausguck/hb/TOKEN/$?';
  expect(line({ cron: '0 3 * * *' })).toBe(`0 3 * * * ${job}`);
  expect(['1m', '15m', '60m', '1h', '6h', '24h', '1d'].map((every) => line({ every }).replace(job, ''))).toEqual([
    '* * * * * ',
    '*/15 * * * * ',
    '0 * * * * ',
    '0 * * * * ',
    '0 */6 * * * ',
    '0 0 * * * ',
    '0 0 * * * ',
  ]);
  for (const every of ['90s', '7m', '0m', '5h', '2d', '1d12h', '']) {
    expect(line({ every })).toBe(job);
  }
  expect(line({ every: '1d' }, 'http://127.0.0.1:3000')).toContain(' http://127.0.0.1:3000/hb/TOKEN/$?');
});
