import { createTheme, getBuiltInThemes } from '@grafana/data';
import { expect, test } from 'vitest';

import { renderToStaticMarkup } from './noServer';
import * as z from './noZod';

test('the text of elements is theirs', () => {
  const name = 'host';
  expect(
    renderToStaticMarkup(
      <>
        Disk of <b>{name}</b>: {7}% {false} {[<i key="a">full</i>]}
      </>
    )
  ).toBe('Disk of host: 7%  full');
});

test('everything that themes are described with is there, and takes all', () => {
  const schema = z.object({ a: z.array(z.enum(['b'])).optional(), c: z.union([z.literal(1), z.string().min(2)]) });
  expect(schema.safeParse({ d: 1 })).toEqual({ success: true, data: { d: 1 } });
  expect(createTheme({ colors: { mode: 'light' } }).isLight).toBe(true);
  expect(getBuiltInThemes([]).map((t) => t.id)).toContain('dark');
});
