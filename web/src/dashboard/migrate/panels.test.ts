import type { Panel } from '@grafana/schema';
import { describe, expect, test } from 'vitest';
import { migrateDashboard } from './index';

function migrate(panel: object, schemaVersion = 12): Panel {
  return migrateDashboard({ schemaVersion, panels: [{ id: 1, title: 'p', ...panel }] }).dashboard.panels![0] as Panel;
}
const custom = (panel: object) => migrate({ type: 'graph', ...panel }).fieldConfig!.defaults.custom;

describe('graph', () => {
  test('without anything has the defaults of the old panel', () => {
    const panel = migrate({ type: 'graph', targets: [{ expr: 'up' }] });
    expect(panel).toMatchObject({
      type: 'timeseries',
      options: { legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] }, tooltip: { mode: 'multi', sort: 'none' } },
      fieldConfig: {
        defaults: {
          color: { mode: 'palette-classic' },
          custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 10, showPoints: 'never', spanNulls: false, stacking: { mode: 'none', group: 'A' } },
        },
        overrides: [],
      },
    });
  });

  test.each([
    ['bars', { bars: true, lines: false }, { drawStyle: 'bars', fillOpacity: 100 }],
    ['points alone', { lines: false, points: true, pointradius: 3 }, { drawStyle: 'points', pointSize: 8, showPoints: 'always', fillOpacity: 0 }],
    ['staircase', { steppedLine: true }, { lineInterpolation: 'stepAfter' }],
    ['connected', { nullPointMode: 'connected' }, { spanNulls: true }],
    ['stacked', { stack: true }, { stacking: { mode: 'normal', group: 'A' } }],
    ['percentage', { stack: true, percentage: true }, { stacking: { mode: 'percent', group: 'A' } }],
    ['percentage without stack', { percentage: true }, { stacking: { mode: 'none', group: 'A' } }],
    ['gradient', { fill: 4, fillGradient: 2 }, { fillOpacity: 40, gradientMode: 'opacity' }],
    ['dashes', { dashes: true, dashLength: 4, spaceLength: 5 }, { lineStyle: { fill: 'dash', dash: [4, 5] } }],
    ['log scale', { yaxes: [{ logBase: 10, label: 'l' }] }, { scaleDistribution: { type: 'log', log: 10 }, axisLabel: 'l' }],
    ['hidden axis', { yaxes: [{ show: false }] }, { axisPlacement: 'hidden' }],
  ])('%s', (_name, source, expected) => {
    expect(custom(source)).toMatchObject(expected);
  });

  test('axis, also as it was before version 12', () => {
    const want = { unit: 'bytes', min: 0, decimals: 2 };
    expect(migrate({ type: 'graph', yaxes: [{ format: 'bytes', min: '0', max: 'auto', decimals: 2 }] }).fieldConfig!.defaults).toMatchObject(want);
    const old = migrate({ type: 'graph', y_formats: ['bytes', 's'], grid: { leftMin: 0, threshold1: 5, threshold1Color: 'blue' }, decimals: 2 }).fieldConfig!
      .defaults;
    expect(old).toMatchObject(want);
    expect(old.max).toBeUndefined();
    expect(old.thresholds!.steps).toEqual([
      { color: 'transparent', value: null },
      { color: 'blue', value: 5 },
    ]);
  });

  test('series overrides', () => {
    const panel = migrate({
      type: 'graph',
      linewidth: 2,
      yaxes: [{}, { format: 's', min: 0, max: 9, logBase: 2, label: 'right', decimals: 1 }],
      aliasColors: { a: '#fff' },
      legend: { hideEmpty: true, hideZero: true },
      xaxis: { show: false },
      seriesOverrides: [
        { alias: '/^in/', color: 'red', yaxis: 2, transform: 'negative-Y', fill: 0, stack: 'B' },
        { alias: 'x', lines: false, bars: true, points: true, legend: false, hideTooltip: true, zindex: -3 },
        { alias: 'y', dashes: true, steppedLine: true, stack: false, linewidth: 3, fillBelowTo: 'x', nullPointMode: 'connected' },
        { alias: 'z', zindex: 2 },
        { color: 'nobody' },
      ],
    });
    expect(panel.fieldConfig!.overrides).toEqual([
      { matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: '#fff' } }] },
      {
        matcher: { id: 'byRegexp', options: '/^in/' },
        properties: [
          { id: 'color', value: { mode: 'fixed', fixedColor: 'red' } },
          { id: 'custom.axisPlacement', value: 'right' },
          { id: 'unit', value: 's' },
          { id: 'min', value: 0 },
          { id: 'max', value: 9 },
          { id: 'decimals', value: 1 },
          { id: 'custom.axisLabel', value: 'right' },
          { id: 'custom.scaleDistribution', value: { type: 'log', log: 2 } },
          { id: 'custom.fillOpacity', value: 0 },
          { id: 'custom.stacking', value: { mode: 'normal', group: 'B' } },
          { id: 'custom.transform', value: 'negative-Y' },
        ],
      },
      {
        matcher: { id: 'byName', options: 'x' },
        properties: [
          { id: 'custom.drawStyle', value: 'bars' },
          { id: 'custom.fillOpacity', value: 100 },
          { id: 'custom.lineWidth', value: 0 },
          { id: 'custom.showPoints', value: 'always' },
          { id: 'custom.hideFrom', value: { legend: true, tooltip: true, viz: false } },
        ],
      },
      {
        matcher: { id: 'byName', options: 'y' },
        properties: [
          { id: 'custom.lineWidth', value: 3 },
          { id: 'custom.fillBelowTo', value: 'x' },
          { id: 'custom.spanNulls', value: true },
          { id: 'custom.lineInterpolation', value: 'stepAfter' },
          { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
          { id: 'custom.stacking', value: { mode: 'none', group: 'A' } },
        ],
      },
      {
        matcher: { id: 'byValue', options: { reducer: 'allIsNull', op: 'gte', value: 0 } },
        properties: [{ id: 'custom.hideFrom', value: { legend: true, tooltip: true, viz: false } }],
      },
      {
        matcher: { id: 'byValue', options: { reducer: 'allIsZero', op: 'gte', value: 0 } },
        properties: [{ id: 'custom.hideFrom', value: { legend: true, tooltip: true, viz: false } }],
      },
      { matcher: { id: 'byType', options: 'time' }, properties: [{ id: 'custom.axisPlacement', value: 'hidden' }] },
    ]);
  });

  test('legend and tooltip', () => {
    const panel = migrate({
      type: 'graph',
      legend: {
        show: true,
        values: true,
        avg: true,
        current: true,
        max: false,
        alignAsTable: true,
        rightSide: true,
        sideWidth: 300,
        sort: 'avg',
        sortDesc: true,
      },
      tooltip: { shared: false, sort: 2 },
    });
    expect(panel.options).toEqual({
      legend: { showLegend: true, displayMode: 'table', placement: 'right', calcs: ['lastNotNull', 'mean'], width: 300, sortBy: 'Mean', sortDesc: true },
      tooltip: { mode: 'single', sort: 'desc' },
    });
    expect(migrate({ type: 'graph', legend: { show: false } }).options!.legend).toMatchObject({ showLegend: false });
    expect(migrate({ type: 'graph', legend: false }).options!.legend).toMatchObject({ showLegend: false });
  });

  test.each([
    [
      'above',
      [{ value: 80, op: 'gt', fill: true, line: true, colorMode: 'critical' }],
      'line+area',
      [
        ['transparent', null],
        ['red', 80],
      ],
    ],
    [
      'below',
      [{ value: 5, op: 'lt', fill: true, colorMode: 'warning' }],
      'area',
      [
        ['orange', null],
        ['transparent', 5],
      ],
    ],
    [
      'two',
      [
        { value: 9, op: 'gt', line: true, colorMode: 'custom', lineColor: '#123456' },
        { value: 3, op: 'gt', line: true, colorMode: 'ok' },
      ],
      'line',
      [
        ['transparent', null],
        ['green', 3],
        ['#123456', 9],
      ],
    ],
  ])('thresholds %s', (_name, thresholds, mode, steps) => {
    const { defaults } = migrate({ type: 'graph', thresholds }).fieldConfig!;
    expect(defaults.custom!.thresholdsStyle).toEqual({ mode });
    expect(defaults.thresholds!.steps.map((step) => [step.color, step.value])).toEqual(steps);
  });

  test('modes of the x axis', () => {
    expect(migrate({ type: 'graph', xaxis: { mode: 'series', values: ['current'] } })).toMatchObject({
      type: 'barchart',
      transformations: [{ id: 'reduce', options: { mode: 'seriesToRows', reducers: ['lastNotNull'] } }],
    });
    expect(migrate({ type: 'graph', xaxis: { mode: 'histogram', buckets: 20 } })).toMatchObject({ type: 'histogram', options: { bucketCount: 20 } });
  });

  test('alerts, time regions and links', () => {
    const { dashboard, notices } = migrateDashboard({
      panels: [
        {
          id: 4,
          type: 'graph',
          title: 'Load',
          alert: { name: 'x' },
          timeRegions: [{ from: '8:00', to: '17:00', fromDayOfWeek: 1, toDayOfWeek: 5, colorMode: 'red' }],
          links: [{ type: 'dashboard', dashboard: 'My Host', keepTime: true, params: 'var-a=1', title: 't' }],
          options: { dataLinks: [{ title: 'd', url: '/x?s=$__series_name&t=${__value_time}' }] },
        },
      ],
    });
    expect(notices).toEqual(['Panel "Load": its alert was not taken over; write it as a Prometheus alerting rule']);
    expect(dashboard.annotations!.list![1]).toMatchObject({
      filter: { exclude: false, ids: [4] },
      target: { queryType: 'timeRegions', timeRegion: { from: '8:00', fromDayOfWeek: 1 } },
    });
    const panel = dashboard.panels![0] as Panel;
    expect(panel.links).toEqual([{ title: 't', url: '/dashboards?query=My%20Host&$__url_time_range&var-a=1' }]);
    expect(panel.fieldConfig!.defaults.links).toEqual([{ title: 'd', url: '/x?s=${__series.name}&t=${__value.time}' }]);
  });
});

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

describe('other panels', () => {
  test('heatmap', () => {
    const panel = migrate({
      type: 'heatmap',
      dataFormat: 'tsbuckets',
      hideZeroBuckets: true,
      yBucketBound: 'upper',
      cards: { cardPadding: 1, cardRound: 2 },
      color: { mode: 'spectrum', colorScheme: 'interpolateSpectral', exponent: 0.4 },
      yAxis: { format: 's', decimals: 1, min: '0' },
      tooltip: { show: true, showHistogram: true },
      legend: { show: true },
    });
    expect(panel.options).toMatchObject({
      calculate: false,
      cellGap: 1,
      cellRadius: 2,
      color: { mode: 'scheme', scheme: 'Spectral', exponent: 0.4 },
      filterValues: { le: 1e-9 },
      legend: { show: true },
      rowsFrame: { layout: 'le' },
      tooltip: { mode: 'single', yHistogram: true },
      yAxis: { unit: 's', decimals: 1, min: 0 },
    });
    const calculated = migrate({ type: 'heatmap', color: {}, xBucketSize: '1m', yBucketNumber: 10, yAxis: { logBase: 2 } });
    expect(calculated.options).toMatchObject({
      calculate: true,
      calculation: { xBuckets: { mode: 'size', value: '1m' }, yBuckets: { mode: 'count', value: '10', scale: { type: 'log', log: 2 } } },
    });
    expect(migrate({ type: 'heatmap', options: { color: { mode: 'scheme' } } }).options).toEqual({ color: { mode: 'scheme' } });
  });

  test.each([
    [
      'pie chart',
      {
        type: 'grafana-piechart-panel',
        pieType: 'donut',
        valueName: 'total',
        legend: { show: true, percentage: true, values: true },
        legendType: 'Right side',
        format: 's',
      },
      {
        type: 'piechart',
        options: { pieType: 'donut', reduceOptions: { calcs: ['sum'] }, legend: { displayMode: 'table', placement: 'right', values: ['percent', 'value'] } },
        fieldConfig: { defaults: { unit: 's' } },
      },
    ],
    ['text', { type: 'text', mode: 'html', content: '<b>x</b>' }, { options: { mode: 'html', content: '<b>x</b>' } }],
    ['plain text', { type: 'text', mode: 'text', content: 'x' }, { options: { mode: 'markdown', content: 'x' } }],
    [
      'alert list',
      { type: 'alertlist', limit: 5, nameFilter: 'cpu', stateFilter: ['alerting'], sortOrder: 3 },
      { options: { maxItems: 5, alertName: 'cpu', sortOrder: 3, stateFilter: { firing: true, pending: false, normal: false } } },
    ],
    [
      'dashboard list',
      { type: 'dashlist', starred: false, search: true, limit: 7, tags: ['a'], query: 'q' },
      { options: { showStarred: false, showSearch: true, maxItems: 7, tags: ['a'], query: 'q' } },
    ],
    [
      'present dashboard list',
      { type: 'dashlist', options: { showStarred: true, maxItems: 3, folderUID: 'x' } },
      { options: { showStarred: true, maxItems: 3, folderUID: 'x' } },
    ],
    ['unknown type', { type: 'natel-discrete-panel', foo: 1 }, { type: 'natel-discrete-panel', foo: 1 }],
    [
      'hidden legend',
      { type: 'timeseries', options: { legend: { displayMode: 'hidden' } } },
      { options: { legend: { displayMode: 'list', showLegend: false } } },
    ],
    ['interval', { type: 'timeseries', interval: '>10s', transparent: 1, timeFrom: null }, { interval: '10s' }],
    [
      'labels to fields',
      { type: 'table', fieldConfig: {}, transformations: [{ id: 'labelsToFields' }, null, { id: 5 }] },
      { transformations: [{ id: 'labelsToFields', options: {} }, { id: 'merge', options: {} }, { id: '5' }] },
    ],
  ])('%s', (_name, source, expected) => {
    expect(migrate(source)).toMatchObject(expected);
  });

  test('mappings with the colour of their threshold', () => {
    const { defaults } = migrate({
      type: 'stat',
      fieldConfig: {
        defaults: {
          thresholds: {
            steps: [
              { color: 'red', value: 5 },
              { color: 'green', value: 9 },
            ],
          },
          mappings: [
            { type: 2, from: '9', to: '10', text: 'ok' },
            { type: 1, value: 'null', text: '-' },
          ],
        },
      },
    }).fieldConfig!;
    expect(defaults.thresholds).toEqual({
      mode: 'absolute',
      steps: [
        { color: 'red', value: null },
        { color: 'green', value: 9 },
      ],
    });
    expect(defaults.mappings).toMatchObject([
      { type: 'range', options: { from: 9, to: 10, result: { text: 'ok', color: 'green' } } },
      { type: 'special', options: { match: 'null+nan' } },
    ]);
  });

  test('what has no place any more is named', () => {
    const { dashboard, notices } = migrateDashboard({
      __elements: { lib: { name: 'Lib', model: { type: 'stat', title: 'From library' } } },
      panels: [
        { type: 'gettingstarted', title: 'Start' },
        { type: 'news', title: 'News', feedUrl: 'https://x' },
        { id: 9, libraryPanel: { uid: 'gone', name: 'Gone' } },
        { id: 10, libraryPanel: { uid: 'lib' } },
      ],
    });
    expect(dashboard.panels!.map((panel) => [panel.type, panel.title])).toEqual([
      ['text', 'News'],
      ['text', ''],
      ['stat', 'From library'],
    ]);
    expect(notices).toEqual([
      'Panel "Start": panels of type gettingstarted show pages of Grafana itself; it was removed',
      'Panel "News": news feeds are not shown here; a text panel takes its place',
      'Panel 9: library panel "Gone" is not in this file; export the dashboard with its library panels, or unlink it in Grafana',
    ]);
  });
});
