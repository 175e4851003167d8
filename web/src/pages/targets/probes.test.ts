import { expect, test } from 'vitest';

import type { KnownProbe } from '../../api/system';
import { domainText, draftOf, nameOf, noDraft, probed, probeOf, sourceOf } from './probes';

const known = (name: string, url: string, group?: string): KnownProbe => ({
  name,
  url,
  ...(group && { group }),
  editable: true,
  scrapeModule: `probes/${name}`,
  address: url,
});

test('what is down comes first, and what was not probed yet is there', () => {
  const shop = known('Shop', 'https://shop.example/', 'Public');
  const waiting = known('New', 'tcp://db:5432');
  const all = probed([shop, waiting], {
    up: [
      { metric: { probe: 'Shop', instance: 'https://shop.example/', job: 'probes', group: 'Public' }, value: 1 },
      { metric: { instance: 'https://other.example/', job: 'blackbox' }, value: 0 },
      // Of a probe that had another URL before.
      { metric: { probe: 'Shop', instance: 'https://old.example/', job: 'probes' }, value: 1 },
    ],
    duration: [{ metric: { probe: 'Shop', instance: 'https://shop.example/', job: 'probes', group: 'Public' }, value: 0.25 }],
    day: [{ metric: { instance: 'https://other.example/', job: 'blackbox' }, value: 0.5 }],
    certificate: [{ metric: { instance: 'https://unknown.example/', job: 'blackbox' }, value: 1 }],
  });
  expect(all.map((p) => [p.title, p.up, p.group])).toEqual([
    ['https://other.example/', false, 'blackbox'],
    ['New', undefined, ''],
    ['Shop', true, 'probes'],
    ['Shop', true, 'Public'],
  ]);
  expect(all[3]).toMatchObject({ probe: shop, duration: 0.25 });
  expect(all[0]).toMatchObject({ day: 0.5 });
  expect(all[2]?.probe).toBeUndefined();
  expect(all.some((p) => p.certificate !== undefined)).toBe(false);
});

test('the form becomes a probe', () => {
  expect(probeOf({ ...noDraft, url: ' www.example.org/x ' })).toEqual({ name: 'www.example.org/x', url: 'https://www.example.org/x' });
  expect(
    probeOf({ url: 'tcp://db:5432', name: ' Database ', group: 'Internal', interval: '1m', text: 'ready', status: '200, 3xx', maxDuration: '2s', domain: true })
  ).toEqual({
    name: 'Database',
    url: 'tcp://db:5432',
    group: 'Internal',
    interval: '1m',
    expect: { text: 'ready', status: ['200', '3xx'], max_duration: '2s', domain_days: 30 },
  });
  expect(nameOf('https://www.example.org/')).toBe('www.example.org');
  expect(nameOf('dns://9.9.9.9/example.org?')).toBe('9.9.9.9/example.org');
});

test('what is known about a domain', () => {
  const now = new Date('2026-11-29T12:00:00Z');
  const text = (known: { expires?: string; problem?: string }) => domainText({ name: 'example.org', ...known }, now);
  expect(text({})).toBe('Domain example.org: its registry has not been asked yet');
  expect(text({ problem: 'the registry of .org has no RDAP server' })).toBe(
    'Domain example.org: it is unknown when it expires: the registry of .org has no RDAP server'
  );
  expect(text({ expires: '2026-12-30T12:00:00Z' })).toBe('Domain example.org expires on 2026-12-30 (31 days)');
  expect(text({ expires: '2026-12-30T11:00:00Z', problem: 'the response is 502 Bad Gateway' })).toBe(
    'Domain example.org expires on 2026-12-30 (30 days); the last request failed: the response is 502 Bad Gateway'
  );
  expect(text({ expires: '2026-11-29T11:00:00Z' })).toBe('Domain example.org expired on 2026-11-29');
});

test('an edited probe keeps what the form does not show', () => {
  const edited: KnownProbe = {
    ...known('Shop', 'https://shop.example/', 'Public'),
    interval: '30s',
    timeout: '10s',
    depends_on: ['Router'],
    labels: { team: 'a' },
    expect: { text: 'Welcome', status: ['200', '3xx'], max_duration: '2s', not_text: 'error', certificate_days: 30, domain_days: 14 },
    reason: 'connection refused',
  };
  const { editable, reason, scrapeModule, address, timeout, ...probe } = edited;
  expect(probeOf(draftOf(edited), edited)).toEqual(probe);
  expect(probeOf({ ...draftOf(edited), name: 'Other', text: '', status: '', maxDuration: '', domain: false, interval: '5s' }, edited)).toEqual({
    ...probe,
    name: 'Other',
    interval: '5s',
    expect: { not_text: 'error', certificate_days: 30 },
  });
  expect(probeOf(draftOf(edited), { ...edited, timeout: '3s' }).timeout).toBe('3s');
});

test('a target says where it is configured', () => {
  const none = { key: '', title: '', target: '', group: '' };
  const probe = known('Shop', 'https://shop.example/');
  expect(sourceOf({ ...none, job: 'probes', probe })).toBe('');
  expect(sourceOf({ ...none, job: 'probes', probe: { ...probe, editable: false } })).toBe('from probes.yml');
  expect(sourceOf({ ...none, job: 'probes' })).toBe('no longer configured');
  expect(sourceOf({ ...none, job: 'container-probes' })).toBe('from a container label');
  expect(sourceOf({ ...none, job: 'blackbox' })).toBe('from the job blackbox in prometheus.yml');
});
