import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/**
 * The folders of src from the bottom up; each may import from itself and from those before it. Folders on the same line
 * do not import each other.
 */
const layers: ReadonlyArray<Readonly<Record<string, string>>> = [
  { boot: 'what the page was told when it was loaded' },
  { runtime: "services that Grafana's libraries look up" },
  { api: 'what the server answers, typed' },
  { datasources: 'who answers a query', panels: 'how an answer is drawn' },
  { links: 'addresses of pages and what is in them' },
  { kit: 'what several pages are made of' },
  { dashboard: 'a dashboard from its JSON to the screen and back' },
  { pages: 'one file or folder for each page' },
  { app: 'what brings all of it together' },
];

const root = import.meta.dirname;

/** Imports between the files of src, including type imports and dynamic imports. */
function importsOfAll(): Map<string, string[]> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  return new Map(
    files.map((file) => [
      file,
      importsOf(readFileSync(join(root, file), 'utf8'))
        .filter((to) => to.startsWith('.'))
        .map((to) => fileOf(file, to)),
    ])
  );
}

const importsOf = (text: string): string[] => ts.preProcessFile(text, true, true).importedFiles.map((i) => i.fileName);

function fileOf(from: string, to: string): string {
  const base = join(root, dirname(from), to);
  const found = [base, `${base}.ts`, `${base}.tsx`, `${base}.d.ts`, join(base, 'index.ts')].find((path) => existsSync(path) && statSync(path).isFile());
  expect(found, `${from} imports ${to}`).toBeDefined();
  return relative(root, found!);
}

/** Describes what is wrong with an import. */
function problemOf(from: string, to: string): string | undefined {
  const [above, below] = [from, to].map((file) => file.split('/')[0]!) as [string, string];
  if (above === below || from === 'main.ts') {
    return undefined;
  }
  const [level, other] = [above, below].map((name) => layers.findIndex((layer) => name in layer)) as [number, number];
  if (level < 0 || other < 0) {
    return `${from} imports ${to}: ${level < 0 ? above : below} is no layer; add it to layers.test.ts where it belongs`;
  }
  if (other < level) {
    return undefined;
  }
  const why = other === level ? `${above} and ${below} are side by side` : `${below} (${layers[other]![below]}) is above ${above} (${layers[level]![above]})`;
  return `${from} imports ${to}: ${why}; move what both need down, or pass it in from above`;
}

/** Import cycles, each listed once. */
function circlesOf(imports: Map<string, string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    } else if (!done.has(file)) {
      imports.get(file)?.forEach((next) => visit(next, [...path, file]));
      done.add(file);
    }
  };
  [...imports.keys()].forEach((file) => visit(file, []));
  return circles;
}

const imports = importsOfAll();

test('imports run downwards only', () => {
  const problems = [...imports].flatMap(([from, all]) => all.flatMap((to) => problemOf(from, to) ?? []));
  expect(problems.join('\n')).toBe('');
});

test('no files import each other in a circle', () => {
  expect(circlesOf(imports).join('\n')).toBe('');
});

test('every layer has files', () => {
  const folders = new Set([...imports.keys()].filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
  expect([...folders].sort()).toEqual(layers.flatMap((layer) => Object.keys(layer)).sort());
});

describe('the rules themselves', () => {
  test.each([
    ['kit/a.ts', 'boot/b.ts', undefined],
    ['main.ts', 'app/b.ts', undefined],
    ['kit/a.ts', 'pages/b.ts', 'kit/a.ts imports pages/b.ts: pages (one file or folder for each page) is above kit'],
    ['panels/a.ts', 'datasources/b.ts', 'panels and datasources are side by side'],
    ['pages/a.ts', 'helpers/b.ts', 'helpers is no layer'],
  ])('%s → %s', (from, to, problem) => {
    const found = problemOf(from, to);
    problem === undefined ? expect(found).toBeUndefined() : expect(found).toContain(problem);
  });

  test('every way to import counts', () => {
    expect(importsOf(`import type { A } from './a';\nexport * from './b';\nconst c = () => import('./c');\nlet d: import('./d').D;\nimport './e';`)).toEqual([
      './a',
      './b',
      './c',
      './d',
      './e',
    ]);
  });

  test('circles are found', () => {
    expect(
      circlesOf(
        new Map([
          ['a', ['b']],
          ['b', ['c', 'd']],
          ['c', ['b']],
          ['d', []],
        ])
      )
    ).toEqual(['b → c → b']);
  });
});
