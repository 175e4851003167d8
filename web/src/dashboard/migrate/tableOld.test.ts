import { describe, expect, test } from 'vitest';

import { migrate } from './migratePanel';

describe('table', () => {
  test('styles become overrides, the first one last', () => {
    const panel = migrate({
      type: 'table',
      transform: 'timeseries_to_columns',
      sort: { col: 0, desc: true },
      pageSize: 20,
      styles: [
        { pattern: 'Time', type: 'date', alias: 'When', dateFormat: 'YYYY' },
        { pattern: '/.*/', type: 'number', unit: 'short', decimals: 2, colorMode: 'cell', colors: ['a', 'b', 'c'], thresholds: ['1', '2'] },
        { pattern: '/secret/', type: 'hidden' },
        { pattern: 'instance', type: 'string', link: true, linkUrl: '/d/x?var-i=$__cell&r=${__cell_2:raw}', linkTooltip: 'go', linkTargetBlank: true },
      ],
    });
    expect(panel).toMatchObject({
      type: 'table',
      transformations: [{ id: 'joinByField', options: { mode: 'outer' } }],
      options: { showHeader: true, sortBy: [{ displayName: 'When', desc: true }], enablePagination: true, pageSize: 20 },
      fieldConfig: {
        defaults: {
          unit: 'short',
          decimals: 2,
          custom: { cellOptions: { type: 'color-background', mode: 'basic' } },
          thresholds: { steps: [{ color: 'a' }, { color: 'b', value: 1 }, { color: 'c', value: 2 }] },
        },
        overrides: [
          {
            matcher: { id: 'byName', options: 'instance' },
            properties: [{ id: 'links', value: [{ title: 'go', url: '/d/x?var-i=${__value.text}&r=${__data.fields[2]}', targetBlank: true }] }],
          },
          { matcher: { id: 'byRegexp', options: '/secret/' }, properties: [{ id: 'custom.hideFrom' }] },
          {
            matcher: { id: 'byName', options: 'Time' },
            properties: [
              { id: 'displayName', value: 'When' },
              { id: 'unit', value: 'time:YYYY' },
            ],
          },
        ],
      },
    });
  });

  test.each([
    ['timeseries_to_rows', [{ id: 'seriesToRows' }]],
    ['timeseries_aggregations', [{ id: 'reduce', options: { reducers: ['mean', 'max'] } }]],
    ['table', [{ id: 'merge' }]],
    ['json', [{ id: 'extractFields' }, { id: 'filterFieldsByName' }]],
  ])('transform %s', (transform, expected) => {
    expect(
      migrate({
        type: 'table-old',
        transform,
        columns: [
          { text: 'Avg', value: 'avg' },
          { text: 'Max', value: 'max' },
        ],
      }).transformations
    ).toMatchObject(expected);
  });

  test.each([
    ['timeseries_aggregations', 0, 'Field'],
    ['timeseries_aggregations', 1, 'Mean'],
    ['timeseries_to_rows', 1, 'Metric'],
    ['timeseries_to_columns', 1, 'total'],
    ['timeseries_to_columns', 2, undefined],
    ['json', 1, 'Max'],
    ['table', 1, 'cluster'],
    ['table', 2, 'Namespace'],
    ['table', 3, 'Value #A'],
    ['table', 4, 'Value #C'],
    ['table', 5, undefined],
  ])('sorting of %s by column %i', (transform, col, displayName) => {
    const panel = migrate({
      type: 'table-old',
      transform,
      sort: { col, desc: false },
      columns: [
        { text: 'Avg', value: 'avg' },
        { text: 'Max', value: 'max' },
      ],
      styles: [{ pattern: 'namespace', alias: 'Namespace', type: 'string' }],
      targets: [
        { refId: 'A', expr: 'sum(rate(x{a=")"}[5m])) by (namespace, cluster)', legendFormat: 'total' },
        { refId: 'B', expr: 'x', hide: true },
        { refId: 'C', expr: 'count by (namespace) (y)', legendFormat: '{{x}}' },
      ],
    });
    expect(panel.options!.sortBy).toEqual(displayName === undefined ? undefined : [{ displayName, desc: false }]);
  });

  test.each([
    ['sum(a) / sum(b)', undefined],
    ['sum by (x) (a) / sum by (x) (b)', undefined],
    ['up', undefined],
    ['sum(a)', 'Value'],
    ['sum(a) by (', undefined],
  ])('sorting of a table of %s', (expr, displayName) => {
    const panel = migrate({ type: 'table-old', transform: 'table', sort: { col: 1, desc: true }, targets: [{ refId: 'A', expr }] });
    expect(panel.options!.sortBy).toEqual(displayName && [{ displayName, desc: true }]);
  });

  test('the present table keeps its own, with cell options and footer of today', () => {
    const panel = migrate(
      {
        type: 'table',
        options: { showHeader: true, footer: { show: true, reducer: ['sum'], fields: ['Value'], countRows: false } },
        fieldConfig: {
          defaults: { custom: { displayMode: 'lcd-gauge' } },
          overrides: [
            {
              matcher: { id: 'byName', options: 'a' },
              properties: [
                { id: 'custom.displayMode', value: 'color-background' },
                { id: 'custom.hidden', value: true },
              ],
            },
          ],
        },
      },
      36
    );
    expect(panel.options).toEqual({ showHeader: true });
    expect(panel.fieldConfig).toMatchObject({
      defaults: { custom: { cellOptions: { type: 'gauge', mode: 'lcd' } } },
      overrides: [
        {
          properties: [
            { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'gradient' } },
            { id: 'custom.hideFrom', value: { viz: true } },
          ],
        },
        { matcher: { options: 'Value' }, properties: [{ id: 'custom.footer.reducers', value: ['sum'] }] },
      ],
    });
  });
});
