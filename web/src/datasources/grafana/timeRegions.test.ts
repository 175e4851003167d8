import { describe, expect, test } from 'vitest';

import { regionsWithin, type TimeRegion } from './timeRegions';

const iso = (region: TimeRegion, from: string, to: string, zone = 'utc') =>
  regionsWithin(region, Date.parse(from), Date.parse(to), zone).map(
    ({ time, timeEnd }) => `${new Date(time).toISOString().slice(0, 19)} ${new Date(timeEnd).toISOString().slice(0, 19)}`
  );

// 2026-03-02 is a Monday.
const [monday, tuesday, nextMonday] = ['2026-03-02T00:00:00Z', '2026-03-03T00:00:00Z', '2026-03-09T00:00:00Z'];

describe('regionsWithin', () => {
  test('each day', () => {
    expect(iso({ from: '08:30', to: '17:00' }, monday, '2026-03-03T12:00:00Z')).toEqual([
      '2026-03-02T08:30:00 2026-03-02T17:00:00',
      '2026-03-03T08:30:00 2026-03-03T17:00:00',
    ]);
  });

  test('through midnight, also one that began before the range', () => {
    expect(iso({ from: '22:00', to: '02:00' }, monday, '2026-03-02T22:00:00Z')).toEqual([
      '2026-03-01T22:00:00 2026-03-02T02:00:00',
      '2026-03-02T22:00:00 2026-03-03T02:00:00',
    ]);
  });

  test.each([
    ['ends as the range begins', '2026-03-02T17:00:00Z', '2026-03-02T18:00:00Z', 1],
    ['ended a moment before', '2026-03-02T17:00:00.001Z', '2026-03-02T18:00:00Z', 0],
    ['begins as the range ends', '2026-03-02T07:00:00Z', '2026-03-02T08:30:00Z', 1],
    ['begins a moment later', '2026-03-02T07:00:00Z', '2026-03-02T08:29:59.999Z', 0],
    ['holds the range', '2026-03-02T10:00:00Z', '2026-03-02T11:00:00Z', 1],
  ])('one that %s', (_, from, to, count) => expect(iso({ from: '08:30', to: '17:00' }, from, to)).toHaveLength(count));

  test('a day of the week, whole', () => {
    expect(iso({ fromDayOfWeek: 7 }, monday, nextMonday)).toEqual(['2026-03-08T00:00:00 2026-03-08T23:59:59']);
    expect(iso({ fromDayOfWeek: 1 }, monday, tuesday)).toEqual(['2026-03-02T00:00:00 2026-03-02T23:59:59']);
  });

  test('from one day of the week to another, over the end of the week', () => {
    expect(iso({ fromDayOfWeek: 1, from: '09:00', toDayOfWeek: 5, to: '18:00' }, monday, nextMonday)).toEqual(['2026-03-02T09:00:00 2026-03-06T18:00:00']);
    expect(iso({ fromDayOfWeek: 6, toDayOfWeek: 1, to: '06:00' }, monday, tuesday)).toEqual(['2026-02-28T00:00:00 2026-03-02T06:00:00']);
    expect(iso({ fromDayOfWeek: 3, from: '12:00', toDayOfWeek: 3, to: '10:00' }, '2026-03-04T00:00:00Z', '2026-03-04T13:00:00Z')).toEqual([
      '2026-02-25T12:00:00 2026-03-04T10:00:00',
      '2026-03-04T12:00:00 2026-03-11T10:00:00',
    ]);
  });

  test('a beginning alone is a moment', () => {
    expect(iso({ from: '12:00' }, monday, tuesday)).toEqual(['2026-03-02T12:00:00 2026-03-02T12:00:00']);
    expect(iso({ to: '06:00' }, monday, '2026-03-02T12:00:00Z')).toEqual(['2026-03-02T00:00:00 2026-03-02T06:00:00']);
  });

  test('in a time zone, on the days when its clock is changed too', () => {
    // In Berlin, daylight saving time starts on Sunday 2026-03-29 at two o'clock.
    expect(iso({ from: '08:00', to: '09:00', timezone: 'Europe/Berlin' }, '2026-03-28T00:00:00Z', '2026-03-30T00:00:00Z')).toEqual([
      '2026-03-28T07:00:00 2026-03-28T08:00:00',
      '2026-03-29T06:00:00 2026-03-29T07:00:00',
    ]);
    expect(iso({ fromDayOfWeek: 1, from: '00:30', to: '01:00' }, '2026-03-01T12:00:00Z', '2026-03-02T12:00:00Z', 'Asia/Tokyo')).toEqual([
      '2026-03-01T15:30:00 2026-03-01T16:00:00',
    ]);
  });

  test('nothing that says when', () => expect(iso({}, monday, tuesday)).toEqual([]));
  test('not more than anybody can see', () => expect(iso({ from: '08:00', to: '09:00' }, '2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z')).toHaveLength(1000));
  test('modes that nobody wrote yet are named', () => expect(() => iso({ mode: 'cron' }, monday, tuesday)).toThrow('cron'));
});
