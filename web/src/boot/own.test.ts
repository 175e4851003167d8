import { expect, test } from 'vitest';

import { own } from './own';

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'none', '', undefined, null, 0])('%s is not in the table', (name) => {
  expect(own({ a: 1 }, name)).toBeUndefined();
});

test('what is in the table is found', () => expect(own({ a: 1 }, 'a')).toBe(1));
