import { config } from '@grafana/runtime';
import { beforeEach, expect, test } from 'vitest';

import { ruleLink, safeLink, silenceLink, stockPath } from './addresses';

beforeEach(() => {
  config.appUrl = 'https://watch.example/ausguck/';
});

test.each([
  ['https://watch.example/ausguck/graph?g0.expr=up', { href: '/graph?g0.expr=up', ours: true }],
  ['https://watch.example/ausguck', { href: '/', ours: true }],
  ['https://watch.example/ausguckoo/x', { href: 'https://watch.example/ausguckoo/x', ours: false }],
  ['http://other:9090/graph', { href: 'http://other:9090/graph', ours: false }],
  ['/d/host', { href: '/d/host', ours: true }],
  ['//evil.example/', undefined],
  ['/\\evil.example/', undefined],
  ['javascript:alert(1)', undefined],
  ['JaVaScRiPt:alert(1)//https://', undefined],
  ['data:text/html,x', undefined],
  ['', undefined],
])('%s', (address, want) => {
  expect(safeLink(address)).toEqual(want);
});

test.each([
  ['#/alerts', '/alerts'],
  ['#/alerts?receiver=team&filter=%7Ba%3D%22b%22%7D', '/alerts?receiver=team&filter=%7Ba%3D%22b%22%7D'],
  ['#/silences', '/alerts/silences'],
  ['#/silences/new?filter=%7Ba%3D%22b%22%7D', '/alerts/silences/new?filter=%7Ba%3D%22b%22%7D'],
  ['#/silences/12ab-34', '/alerts/silences/12ab-34'],
  ['#/silences/12ab-34/edit', '/alerts/silences/12ab-34'],
  ['#/status', '/status'],
  ['#/silencesx', undefined],
  ['#panel-1', undefined],
  ['', undefined],
])('%s of a stock Alertmanager', (hash, want) => {
  expect(stockPath(hash)).toBe(want);
});

test('a silence for exactly an alert', () => {
  expect(decodeURIComponent(silenceLink({ alertname: 'A', x: 'say "hi"' }))).toBe('/alerts/silences/new?filter={alertname="A", x="say \\"hi\\""}');
});

test.each([
  ['{{ $externalURL }}/d/ausguck-self', '/d/ausguck-self'],
  ['{{externalURL}}/d/logs?var-job={{ $labels.job }}&x=1', '/d/logs'],
  ['https://runbooks.example/{{ $labels.alertname }}', undefined],
  ['https://runbooks.example/x', 'https://runbooks.example/x'],
  [undefined, undefined],
])('%s in a rule', (template, want) => {
  expect(ruleLink(template)).toBe(want);
});
