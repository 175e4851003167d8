import { describe, expect, test } from 'vitest';
import type { Panel } from '@grafana/schema';

import { custom, migrate } from './migratePanel';
import { migrateDashboard } from './index';

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
