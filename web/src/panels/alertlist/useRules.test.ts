import { setDataSourceSrv, type DataSourceSrv } from '@grafana/runtime';
import { expect, test } from 'vitest';

import { sourceUid } from './useRules';

const has = (...all: Array<{ uid: string; isDefault?: boolean }>) =>
  setDataSourceSrv({
    getList: () => all,
    getInstanceSettings: (name: string) => all.find((s) => s.uid === name),
  } as unknown as DataSourceSrv);

test('alerts come from the built-in Prometheus, also if a long-term store is the default', () => {
  has({ uid: 'thanos', isDefault: true }, { uid: 'prometheus' });
  expect(sourceUid(undefined)).toBe('prometheus');
  expect(sourceUid('thanos')).toBe('thanos');
});

test('without a built-in one, alerts come from the default', () => {
  has({ uid: 'first' }, { uid: 'second', isDefault: true });
  expect(sourceUid(undefined)).toBe('second');
  has();
  expect(() => sourceUid(undefined)).toThrow('there is no Prometheus data source');
});
