import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { availableIconsIndex } from '@grafana/data';
import { expect, test } from 'vitest';

import { missing } from './icons';

const icons = 'node_modules/@grafana/ui/dist/public/img/icons';
/** build/compress.mjs creates it as a copy of another icon. */
const copied = ['spinner'];

const filesIn = (folder: string, kind: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => kind.test(file))
    .map((file) => join(folder, file));

/** Icon names that a file mentions. */
function named(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const names = [...text.matchAll(/\b(?:name|icon|iconClassName)["']?\s*[:=]\s*\{?[^,;\n]{0,60}?["']([\w-]+)["'](?:\s*:\s*["']([\w-]+)["'])?/g)].flatMap(
    ([, a, b]) => [a, b]
  );
  return names.filter((name): name is string => name !== undefined && Object.hasOwn(availableIconsIndex, name));
}

test.each(['src', 'node_modules/@grafana/ui/dist/esm', 'node_modules/@grafana/scenes/dist/esm'])('every icon that %s asks for exists', (folder) => {
  const known = new Set([...filesIn(icons, /\.svg$/), ...Object.keys(missing)].map((path) => /([^/]+)\.svg$/.exec(path)![1]!).concat(copied));
  const asked = new Set(filesIn(folder, /(?<!\.test|\.d)\.(tsx?|m?js)$/).flatMap(named));
  expect(asked.size).toBeGreaterThan(2);
  expect([...asked].filter((name) => !known.has(name))).toEqual([]);
});
