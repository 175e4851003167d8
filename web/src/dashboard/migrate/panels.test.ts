import { describe, expect, test } from 'vitest';

import { migrate } from './migratePanel';
import { migrateDashboard } from './index';

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
