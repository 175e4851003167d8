import type { Panel } from '@grafana/schema';
import { beforeAll, expect, test } from 'vitest';

import { registerOptionEditors } from '../edit/registerOptionEditors';
import { importPanelPlugin } from '../../panels/panelImporter';
import { registerStandardFieldConfig } from '../edit/standardFieldConfig';
import { registerTransformers } from '../../runtime/transformers';
import { unknownOptions, unknownParts } from './unknown';

beforeAll(() => {
  registerTransformers();
  registerOptionEditors();
  registerStandardFieldConfig();
});

const told = (panel: object) => unknownParts({ type: 'stat', ...panel } as Panel).map((n) => n.text);
const defaults = (fields: object) => ({ fieldConfig: { defaults: fields, overrides: [] } });
const override = (id: string, property: string, value?: unknown) => ({
  fieldConfig: { defaults: {}, overrides: [{ matcher: { id, options: 'x' }, properties: [{ id: property, value }] }] },
});

test.each([
  ['panel type', { type: 'nosuch' }],
  ['transformation', { transformations: [{ id: 'nosuch', options: {} }] }],
  ['filter of a transformation', { transformations: [{ id: 'limit', filter: { id: 'nosuch', options: 'A' }, options: {} }] }],
  ['mode of a calculation', { transformations: [{ id: 'calculateField', options: { mode: 'nosuch' } }] }],
  ['calculation of a transformation', { transformations: [{ id: 'reduce', options: { reducers: ['max', 'nosuch'] } }] }],
  ['calculation of a panel', { options: { reduceOptions: { calcs: ['nosuch'] } } }],
  ['calculation of a legend', { options: { legend: { calcs: ['nosuch', 'max'] } } }],
  ['query', { targets: [{ refId: 'A', nosuch: 'SELECT 1' }] }],
  ['expression', { targets: [{ refId: 'A', type: 'nosuch', datasource: { type: '__expr__', uid: '__expr__' } }] }],
  ['matcher of an override', override('nosuch', 'unit', 's')],
  ['unit', defaults({ unit: 'nosuch' })],
  ['unit of an override', override('byName', 'unit', 'nosuch')],
  ['color mode', defaults({ color: { mode: 'nosuch' } })],
  ['mode of thresholds', defaults({ thresholds: { mode: 'nosuch', steps: [] } })],
  ['mapping', defaults({ mappings: [{ type: 'nosuch', options: {} }] })],
  ['special mapping', defaults({ mappings: [{ type: 'special', options: { match: 'nosuch' } }] })],
  ['relative time', { timeFrom: 'nosuch' }],
])('an unknown %s is told', (_, panel) => {
  expect(told(panel)).toEqual([expect.stringContaining('nosuch')]);
});

test('what is known is not told', () => {
  expect(
    told({
      ...defaults({
        unit: 'bytes',
        color: { mode: 'palette-classic' },
        thresholds: { mode: 'percentage', steps: [] },
        mappings: [
          { type: 'special', options: { match: 'null+nan' } },
          { type: 'regex', options: {} },
        ],
      }),
      targets: [
        { refId: 'A', expr: '' },
        { refId: 'B', hide: true, query: 'x' },
        { refId: 'C', panelId: 3, datasource: { uid: '-- Dashboard --' } },
        { refId: 'D', type: 'math', datasource: { uid: '__expr__' } },
      ],
      transformations: [
        { id: 'extractFields', options: {} },
        { id: 'seriesToColumns' },
        { id: 'nosuch', disabled: true },
        { id: 'calculateField', options: { mode: 'binary', reduce: { reducer: 'sum' } } },
      ],
      options: { reduceOptions: { calcs: ['lastNotNull', 'p95'] } },
      timeFrom: '1h',
      timeShift: '$shift',
    })
  ).toEqual([]);
  expect(told(defaults({ unit: 'suffix: cups' }))).toEqual([]);
});

test('field options that a panel type does not have are told', async () => {
  const plugin = await importPanelPlugin('timeseries');
  const options = (panel: object) => unknownOptions({ type: 'timeseries', ...panel } as Panel, plugin).map((n) => n.text);
  expect(options(defaults({ unit: 's', custom: { lineWidth: 2, stacking: { mode: 'normal' } } }))).toEqual([]);
  expect(options(defaults({ custom: { nosuch: 1, lineWidth: 2 }, alsoNot: 3 }))).toEqual([
    'Field options that this panel type does not support are ignored: alsoNot, nosuch.',
  ]);
  expect(options(override('byName', 'custom.nosuch', 1))).toEqual([expect.stringContaining('nosuch')]);
  expect(options(override('byName', 'custom.hideFrom', { viz: true }))).toEqual([]);
});
