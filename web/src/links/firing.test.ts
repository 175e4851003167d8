import { expect, test } from 'vitest';

import type { ActiveAlert, AlertGroup } from '../api/alerting';
import { firing } from './firing';

const alert = (fingerprint: string, state: 'active' | 'suppressed', severity?: string) =>
  ({ fingerprint, labels: severity ? { severity } : {}, status: { state } }) as unknown as ActiveAlert;

test('an alert fires once, unless it is quiet or a sign of life', () => {
  const groups = [
    { alerts: [alert('a', 'active', 'critical'), alert('b', 'suppressed'), alert('w', 'active', 'none')] },
    { alerts: [alert('a', 'active', 'critical'), alert('c', 'active')] },
  ] as AlertGroup[];
  expect(firing(groups).map((a) => a.fingerprint)).toEqual(['a', 'c']);
});
