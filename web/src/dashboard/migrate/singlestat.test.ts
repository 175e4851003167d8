import { describe, expect, test } from 'vitest';

import { migrate } from './migratePanel';

describe('singlestat', () => {
  test('becomes a stat', () => {
    const panel = migrate({
      type: 'singlestat',
      valueName: 'current',
      format: 'percent',
      decimals: 1,
      thresholds: '65, 90',
      colors: ['green', 'orange', 'red'],
      colorBackground: true,
      sparkline: { show: true },
      valueMaps: [
        { op: '=', value: 'null', text: 'N/A' },
        { value: '70', text: 'high' },
      ],
      nullText: '-',
      tableColumn: 'a.b',
    });
    expect(panel).toMatchObject({
      type: 'stat',
      options: { colorMode: 'background', graphMode: 'area', textMode: 'auto', reduceOptions: { calcs: ['lastNotNull'], fields: '/^a\\.b$/' } },
    });
    expect(panel.fieldConfig!.defaults).toMatchObject({
      unit: 'percent',
      decimals: 1,
      noValue: '-',
      thresholds: {
        mode: 'absolute',
        steps: [
          { color: 'green', value: null },
          { color: 'orange', value: 65 },
          { color: 'red', value: 90 },
        ],
      },
      mappings: [
        { type: 'value', options: { 70: { text: 'high', color: 'orange' } } },
        { type: 'special', options: { match: 'null+nan', result: { text: 'N/A' } } },
      ],
    });
  });

  test.each([
    [
      'gauge',
      { gauge: { show: true, minValue: 5, maxValue: 50, thresholdLabels: true } },
      { type: 'gauge', fieldConfig: { defaults: { min: 5, max: 50 } }, options: { showThresholdLabels: true, showThresholdMarkers: true } },
    ],
    ['average by default', {}, { options: { colorMode: 'none', graphMode: 'none', reduceOptions: { calcs: ['mean'] } } }],
    ['name', { valueName: 'name' }, { options: { textMode: 'name' } }],
    ['coloured value', { colorValue: true }, { options: { colorMode: 'value' } }],
    ['postfix', { format: 'none', postfix: ' GB' }, { fieldConfig: { defaults: { unit: 'suffix: GB' } } }],
    ['postfix beside a unit', { format: 'bytes', postfix: 'x' }, { fieldConfig: { defaults: { unit: 'bytes' } } }],
    [
      'ranges',
      { mappingType: 2, rangeMaps: [{ from: '1', to: '2', text: 'few' }] },
      { fieldConfig: { defaults: { mappings: [{ type: 'range', options: { from: 1, to: 2, result: { text: 'few' } } }] } } },
    ],
  ])('%s', (_name, source, expected) => {
    expect(migrate({ type: 'singlestat', ...source })).toMatchObject(expected);
  });
});

describe('options before Grafana 7', () => {
  test('fieldOptions move to fieldConfig', () => {
    const panel = migrate(
      {
        type: 'bargauge',
        pluginVersion: '6.5.0',
        options: {
          displayMode: 'lcd',
          fieldOptions: {
            calcs: ['last'],
            defaults: {
              title: '$__series_name',
              unit: 'percent',
              mappings: [{ type: 1, value: '1', text: 'UP' }],
              thresholds: [
                { color: 'green', value: null },
                { color: 'red', value: 80 },
              ],
            },
            overrides: [{ matcher: { id: 'byName', options: 'a' }, properties: [{ path: 'unit', value: 's' }] }],
          },
        },
      },
      20
    );
    expect(panel.options).toEqual({ displayMode: 'lcd', reduceOptions: { values: false, calcs: ['last'] } });
    expect(panel.fieldConfig).toMatchObject({
      defaults: {
        displayName: '${__series.name}',
        unit: 'percent',
        min: 0,
        max: 100,
        mappings: [{ type: 'value', options: { 1: { text: 'UP', color: 'green' } } }],
        thresholds: { steps: [{ value: null }, { value: 80 }] },
      },
      overrides: [{ matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'unit', value: 's' }] }],
    });
  });

  test('valueOptions of the first gauge', () => {
    const panel = migrate({
      type: 'gauge',
      options: {
        valueOptions: { unit: 's', stat: 'avg', decimals: 1 },
        minValue: 1,
        maxValue: 2,
        thresholds: [
          { index: 1, value: 5, color: 'red' },
          { index: 0, value: null, color: 'green' },
        ],
        showThresholdMarkers: true,
      },
    });
    expect(panel.options).toEqual({ showThresholdMarkers: true, reduceOptions: { values: false, calcs: ['mean'] } });
    expect(panel.fieldConfig!.defaults).toMatchObject({
      unit: 's',
      decimals: 1,
      min: 1,
      max: 2,
      thresholds: {
        mode: 'absolute',
        steps: [
          { color: 'green', value: null },
          { color: 'red', value: 5 },
        ],
      },
    });
  });
});
