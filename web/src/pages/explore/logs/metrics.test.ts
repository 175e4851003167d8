import { expect, test } from 'vitest';

import { metricsOf } from './metrics';

test('metrics of what lines are about', () => {
  expect(metricsOf('{container="api"}')).toBe(
    '{__name__=~"up|process_resident_memory_bytes", container="api"} or container_memory_working_set_bytes{name="api"}'
  );
  expect(metricsOf('{filename="/var/log/x"}')).toBeUndefined();
});
