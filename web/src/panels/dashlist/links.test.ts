import { expect, test } from 'vitest';
import { dashboardUrl } from './links';

const replace = (text: string) => text.replace('$__url_time_range', 'from=1&to=2').replace('$__all_variables', 'var-a=b');

test.each([
  ['/d/x', false, false, '/d/x'],
  ['/d/x', true, false, '/d/x?from=1&to=2'],
  ['/d/x?orgId=1', true, true, '/d/x?orgId=1&from=1&to=2&var-a=b'],
])('%s time %s variables %s', (url, keepTime, includeVars, want) => {
  expect(dashboardUrl(url, { keepTime, includeVars }, replace)).toBe(want);
});

test('leaves out what has no value', () => {
  expect(dashboardUrl('/d/x', { keepTime: true, includeVars: true }, (text) => (text === '$__all_variables' ? '' : text))).toBe('/d/x');
});
