import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { pages } from './pages';

/** Alternative paths of pages that the list contains with their primary path. */
const aliases = ['/import', '/graph', '/query', '/settings'];

test('the palette knows every page that has an address of its own, for the role that may see it', () => {
  const text = readFileSync(join(import.meta.dirname, 'routes.tsx'), 'utf8');
  const routes = [...text.matchAll(/<Route\s+path="([^"]+)"\s+element=\{\s*(?:\(\s*)?<(\w+)(?:\s+role="(\w+)")?/g)].map(([, path, element, role]) => ({
    path: path!,
    role: element === 'Only' ? role : undefined,
  }));
  expect(routes.length).toBeGreaterThan(20);
  const own = routes.filter(({ path }) => !/[:*]/.test(path) && !aliases.includes(path));
  const known = pages.filter(({ to }) => !to.includes('?')).map(({ to, role }) => ({ path: to, role }));
  const byPath = (a: { path: string }, b: { path: string }) => a.path.localeCompare(b.path);
  expect(known.sort(byPath)).toEqual(own.sort(byPath));
  expect(new Set(pages.map((p) => p.text)).size).toBe(pages.length);
});
