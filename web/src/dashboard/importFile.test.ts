import { expect, test } from 'vitest';

import { readImport } from './importFile';

test.each([
  [{ uid: 'a', title: 'T', panels: [] }],
  [{ dashboard: { uid: 'a', title: 'T', panels: [] }, meta: {} }],
  [{ apiVersion: 'dashboard.grafana.app/v1beta1', metadata: { name: 'a' }, spec: { title: 'T', panels: [] } }],
])('the uid of %o says which dashboard it replaces', (json) => {
  expect(readImport(JSON.stringify(json))).toMatchObject({ uid: 'a', title: 'T' });
});

test('without one it replaces none', () => {
  expect(readImport('{"title":"T","uid":""}').uid).toBeUndefined();
});
