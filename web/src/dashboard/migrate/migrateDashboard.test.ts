import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Dashboard, GridPos, Panel, RowPanel } from '@grafana/schema';
import { describe, expect, test } from 'vitest';
import { overlap } from './layout';
import { migrateDashboard } from './index';

// The project's dashboards are next to the checkout, not in it.
const shared = process.env.AUSGUCK_SHARED ?? resolve(__dirname, '../../../../../shared');

type AnyPanel = Panel | RowPanel;

function first(json: unknown): Panel {
  return migrateDashboard(json).dashboard.panels![0] as Panel;
}

function all(dashboard: Dashboard): AnyPanel[] {
  return dashboard.panels!.flatMap((panel): AnyPanel[] =>
    ['panels' in panel && panel.type === 'row' ? [panel, ...(panel as RowPanel).panels] : [panel]].flat()
  );
}

function positions(panels: AnyPanel[]): Array<GridPos | undefined> {
  return panels.map((panel) => panel.gridPos);
}

const known = new Set([
  'row',
  'timeseries',
  'stat',
  'gauge',
  'bargauge',
  'table',
  'text',
  'barchart',
  'histogram',
  'heatmap',
  'logs',
  'piechart',
  'alertlist',
  'dashlist',
  'state-timeline',
  'status-history',
]);

describe('dashboards that people use', () => {
  const files = [
    join(shared, 'original/dashboard.json'),
    ...readdirSync(join(shared, 'dashboards'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(shared, 'dashboards', name)),
  ];

  test('are all there', () => {
    expect(files.length).toBeGreaterThanOrEqual(12);
  });

  test.each(files)('%s', (file) => {
    const json = JSON.parse(readFileSync(file, 'utf8'));
    const { dashboard, notices } = migrateDashboard(json.dashboard ?? json);
    const panels = all(dashboard);
    expect(notices).toEqual([]);
    expect(panels.length).toBeGreaterThan(0);
    expect(panels.map((panel) => panel.type).filter((type) => !known.has(type))).toEqual([]);
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length);
    expect(dashboard.schemaVersion).toBe(42);
    for (const list of [dashboard.panels!, ...dashboard.panels!.map((panel) => (panel.type === 'row' ? (panel as RowPanel).panels : []))]) {
      const at = positions(list);
      at.forEach((pos, i) => {
        expect(pos).toBeDefined();
        expect(pos!.x + pos!.w).toBeLessThanOrEqual(24);
        expect(at.slice(i + 1).filter((other) => overlap(pos!, other!))).toEqual([]);
      });
    }
    for (const panel of panels as Panel[]) {
      const refIds = (panel.targets ?? []).map((target) => target.refId);
      expect(refIds.every((refId) => typeof refId === 'string' && refId !== '')).toBe(true);
      expect(new Set(refIds).size).toBe(refIds.length);
    }
    // A second run changes nothing.
    expect(migrateDashboard(dashboard)).toEqual({ dashboard, notices: [] });
  });

  test('the original one shows its five panels two in a row', () => {
    const { dashboard } = migrateDashboard(JSON.parse(readFileSync(join(shared, 'original/dashboard.json'), 'utf8')).dashboard);
    expect(dashboard.panels!.map((panel) => [panel.title, panel.type, panel.gridPos])).toEqual([
      ['Service Health', 'stat', { x: 0, y: 0, w: 12, h: 8 }],
      ['HTTP Request Rate', 'timeseries', { x: 12, y: 0, w: 12, h: 8 }],
      ['Response Time P95', 'timeseries', { x: 0, y: 8, w: 12, h: 8 }],
      ['ADO Webhook Processing', 'timeseries', { x: 12, y: 8, w: 12, h: 8 }],
      ['Container Resource Usage', 'timeseries', { x: 0, y: 16, w: 12, h: 8 }],
    ]);
  });
});

describe('dashboard', () => {
  test.each([
    ['refresh false', { refresh: false }, { refresh: '' }],
    ['refresh seconds', { refresh: 30 }, { refresh: '30s' }],
    ['shared crosshair', { sharedCrosshair: true }, { graphTooltip: 1 }],
    ['time missing', {}, { time: { from: 'now-6h', to: 'now' } }],
    ['time as milliseconds', { time: { from: 0, to: 1000 } }, { time: { from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:00:01.000Z' } }],
    ['one tag', { tags: 'linux' }, { tags: ['linux'] }],
    ['no title', { title: null }, { title: 'Dashboard without title' }],
    ['time options', { timepicker: { time_options: ['5m'], refresh_intervals: ['5s', null] } }, { timepicker: { refresh_intervals: ['5s'] } }],
    [
      'dashboard link',
      { links: [{ type: 'dashboard', dashUri: 'db/my dash', tags: null }] },
      {
        links: [
          {
            type: 'link',
            title: 'my dash',
            url: '/dashboards?query=my%20dash',
            icon: 'external link',
            tooltip: '',
            tags: [],
            asDropdown: false,
            targetBlank: false,
            includeVars: false,
            keepTime: false,
          },
        ],
      },
    ],
  ])('%s', (_name, json, expected) => {
    expect(migrateDashboard(json).dashboard).toMatchObject(expected);
  });

  test('keeps what it does not know and does not change its input', () => {
    const json = Object.freeze({ title: 'x', preload: true, custom: { a: 1 }, panels: Object.freeze([Object.freeze({ type: 'graph' })]) });
    expect(migrateDashboard(json).dashboard).toMatchObject({ preload: true, custom: { a: 1 } });
  });

  test('adds the built-in annotations once', () => {
    const once = migrateDashboard({ annotations: { list: [{ name: 'deploys', datasource: 'Prometheus', expr: 'x', iconColor: 'blue' }] } }).dashboard;
    expect(once.annotations!.list).toMatchObject([
      { builtIn: 1, name: 'Annotations & Alerts', datasource: { type: 'grafana', uid: '-- Grafana --' } },
      { name: 'deploys', enable: true, datasource: { uid: 'Prometheus' } },
    ]);
    expect(migrateDashboard(once).dashboard.annotations).toEqual(once.annotations);
  });
});

describe('layout', () => {
  test('rows become panels on the grid', () => {
    const { dashboard } = migrateDashboard({
      schemaVersion: 14,
      rows: [
        {
          title: 'CPU',
          showTitle: true,
          height: '250px',
          panels: [
            { type: 'text', span: 4 },
            { type: 'text', span: 8 },
            { type: 'text', span: 12, height: 100 },
          ],
        },
        { title: 'Disk', collapse: true, repeat: 'disk', height: 100, panels: [{ type: 'text', span: 6 }] },
        { title: 'copy', repeatIteration: 5, panels: [{ type: 'text' }] },
        { title: 'Net', panels: [{ type: 'text', span: 6, minSpan: 3, repeat: 'nic' }] },
      ],
    });
    expect(dashboard.panels!.map((panel) => [panel.type, panel.gridPos])).toEqual([
      ['row', { x: 0, y: 0, w: 24, h: 1 }],
      ['text', { x: 0, y: 1, w: 8, h: 7 }],
      ['text', { x: 8, y: 1, w: 16, h: 7 }],
      ['text', { x: 0, y: 8, w: 24, h: 3 }],
      ['row', { x: 0, y: 11, w: 24, h: 1 }],
      ['row', { x: 0, y: 12, w: 24, h: 1 }],
      ['text', { x: 0, y: 13, w: 12, h: 7 }],
    ]);
    const disk = dashboard.panels![4] as RowPanel;
    expect(disk).toMatchObject({ title: 'Disk', collapsed: true, repeat: 'disk' });
    expect(positions(disk.panels)).toEqual([{ x: 0, y: 12, w: 12, h: 3 }]);
    expect(dashboard.panels![6]).toMatchObject({ maxPerRow: 4, repeat: 'nic' });
  });

  test('rows without headings stay without', () => {
    const { dashboard } = migrateDashboard({
      rows: [
        { title: 'a', height: 76, panels: [{ type: 'text', span: 12 }] },
        { title: 'b', panels: [{ type: 'text' }] },
      ],
    });
    expect(positions(dashboard.panels!)).toEqual([
      { x: 0, y: 0, w: 24, h: 3 },
      { x: 0, y: 3, w: 8, h: 7 },
    ]);
  });

  test('children of an open row come out of it, rows inside rows are flattened', () => {
    const { dashboard } = migrateDashboard({
      panels: [{ type: 'row', collapsed: false, panels: [{ type: 'text' }, { type: 'row', panels: [{ type: 'text' }] }] }],
    });
    expect(dashboard.panels!.map((panel) => panel.type)).toEqual(['row', 'text', 'text']);
  });

  test('panels on each other move down, ids become unique, saved repeats go', () => {
    const gridPos = { x: 0, y: 0, w: 30, h: 4 };
    const { dashboard } = migrateDashboard({
      panels: [
        { type: 'text', id: 7, gridPos },
        { type: 'text', id: 7, gridPos },
        { type: 'text', id: 'x', gridPos: 'none' },
        { type: 'text', repeatPanelId: 7, gridPos },
      ],
    });
    expect(dashboard.panels!.map((panel) => panel.id)).toEqual([7, 8, 9]);
    expect(positions(dashboard.panels!)).toEqual([
      { x: 0, y: 0, w: 24, h: 4 },
      { x: 0, y: 4, w: 24, h: 4 },
      { x: 0, y: 8, w: 12, h: 8 },
    ]);
  });
});

describe('targets and datasources', () => {
  const target = (datasource: unknown, more: object = {}) => first({ panels: [{ type: 'timeseries', datasource, targets: [{ expr: 'up', ...more }] }] });

  test.each([
    ['a name', 'Prometheus', { uid: 'Prometheus' }],
    ['a variable', '$datasource', { uid: '$datasource' }],
    ['an input', '${DS_PROMETHEUS}', { uid: '${DS_PROMETHEUS}' }],
    ['default', 'default', undefined],
    ['null', null, undefined],
    ['a reference', { type: 'prometheus', uid: 'p1' }, { type: 'prometheus', uid: 'p1' }],
    ['a type alone', { type: 'loki' }, { type: 'loki' }],
    ['mixed', '-- Mixed --', { type: 'datasource', uid: '-- Mixed --' }],
    ['a number', 5, { uid: '5' }],
    ['a list', [], undefined],
  ])('%s', (_name, datasource, expected) => {
    expect(target(datasource).datasource).toEqual(expected);
  });

  test('panel and targets agree', () => {
    expect(target(null, { datasource: 'A' })).toMatchObject({ datasource: { uid: 'A' }, targets: [{ refId: 'A', datasource: { uid: 'A' } }] });
    const mixed = first({ panels: [{ type: 'stat', targets: [{ refId: 'B', datasource: 'x' }, { datasource: 'y' }, { refId: 'B' }] }] });
    expect(mixed.datasource?.uid).toBe('-- Mixed --');
    expect(mixed.targets!.map((t) => t.refId)).toEqual(['B', 'A', 'C']);
  });

  test('values of targets', () => {
    expect(target('p', { expr: 1, interval: '>10s', legendFormat: null, instant: 'yes', intervalFactor: '2' }).targets).toEqual([
      { refId: 'A', datasource: { uid: 'p' }, expr: '1', interval: '10s', intervalFactor: 2 },
    ]);
  });
});

describe('variables', () => {
  const variable = (json: object, schemaVersion = 12) =>
    migrateDashboard({ schemaVersion, templating: { list: [{ name: 'v', ...json }] } }).dashboard.templating!.list![0];

  test.each([
    [
      'type filter, refresh true',
      { type: 'filter', refresh: true, query: 'label_values(up, job)' },
      { type: 'query', refresh: 1, query: 'label_values(up, job)' },
    ],
    ['refresh never', { type: 'query', refresh: 0, query: 'x' }, { refresh: 1, options: [] }],
    ['hidden', { type: 'query', hideVariable: true }, { hide: 2 }],
    ['hidden label', { type: 'query', hideLabel: true, hide: null }, { hide: 1 }],
    ['multi', { type: 'query', multi: true, current: { text: 'a', value: 'a' } }, { current: { text: ['a'], value: ['a'] } }],
    ['not multi', { type: 'query', multi: false, current: { text: ['a', 'b'], value: ['a', 'b'] } }, { current: { text: 'a', value: 'a' } }],
    ['visible constant', { type: 'constant', query: 'x', hide: 0 }, { type: 'textbox', query: 'x', current: { value: 'x' } }],
    ['hidden constant', { type: 'constant', query: 'x', hide: 2 }, { type: 'constant', hide: 2 }],
    [
      'custom from options',
      { type: 'custom', query: '', options: [{ text: 'All', value: '$__all' }, { text: 'a', value: 'a,b' }, { value: 'c' }] },
      { query: 'a\\,b,c' },
    ],
    ['datasource', { type: 'datasource', query: 'prometheus' }, { query: 'prometheus', regex: '' }],
    ['datasource by name', { type: 'query', datasource: 'Prom', query: 'x' }, { datasource: { uid: 'Prom' } }],
    ['ad hoc', { type: 'adhoc', filters: [{ key: 'a', operator: '=', value: 'b' }, null] }, { filters: [{ key: 'a', operator: '=', value: 'b' }] }],
  ])('%s', (_name, json, expected) => {
    expect(variable(json)).toMatchObject(expected);
  });

  test('keeps "never" of newer dashboards', () => {
    expect(variable({ type: 'query', refresh: 0, query: 'x', options: [{ text: 'a', value: 'a' }] }, 36)).toMatchObject({
      refresh: 0,
      options: [{ value: 'a' }],
    });
  });

  test('notices', () => {
    const list = [{ name: 'a', type: 'custom' }, { name: 'a' }, { type: 'query' }, { name: 'b', type: 'magic' }];
    expect(migrateDashboard({ templating: { list } }).notices).toEqual([
      'Variable a is there twice; the first one counts',
      'A variable without a name was left out',
      'Variable b was left out: type magic is not known',
    ]);
  });
});

describe('hostile input', () => {
  const values = [null, undefined, 0, -1, NaN, '', 'x', true, [], {}, [null], [[]], [1], { a: null }, { list: 5 }, { list: [null, 5, []] }];
  const dashboardKeys = ['panels', 'rows', 'templating', 'annotations', 'time', 'timepicker', 'links', 'tags', 'schemaVersion', 'refresh', '__elements', 'nav'];
  const panelKeys = [
    'id',
    'type',
    'title',
    'gridPos',
    'targets',
    'datasource',
    'fieldConfig',
    'options',
    'transformations',
    'links',
    'legend',
    'tooltip',
    'yaxes',
    'xaxis',
    'seriesOverrides',
    'aliasColors',
    'thresholds',
    'timeRegions',
    'grid',
    'gauge',
    'colors',
    'valueMaps',
    'sparkline',
    'styles',
    'columns',
    'sort',
    'cards',
    'color',
    'yAxis',
    'panels',
    'libraryPanel',
    'repeat',
    'pluginVersion',
    'transform',
    'mappingType',
  ];

  test.each([null, undefined, 5, 'x', [], [[]], true])('%j is an empty dashboard', (json) => {
    expect(migrateDashboard(json).dashboard.panels).toEqual([]);
  });

  test('wrong types anywhere', () => {
    for (const value of values) {
      for (const key of dashboardKeys) {
        expect(() => migrateDashboard({ [key]: value }), `${key}: ${JSON.stringify(value)}`).not.toThrow();
      }
      for (const type of [
        'graph',
        'singlestat',
        'table-old',
        'table',
        'heatmap',
        'text',
        'row',
        'grafana-piechart-panel',
        'stat',
        'alertlist',
        'dashlist',
        'news',
      ]) {
        for (const key of panelKeys) {
          const panel = { type, legend: { show: true }, [key]: value };
          expect(
            () => migrateDashboard({ panels: [panel, { type: 'row', collapsed: true, panels: value }] }),
            `${type}.${key}: ${JSON.stringify(value)}`
          ).not.toThrow();
          expect(() =>
            migrateDashboard({
              panels: [{ type, fieldConfig: { defaults: { [key]: value, custom: value }, overrides: value }, options: { fieldOptions: value, [key]: value } }],
            })
          ).not.toThrow();
        }
      }
    }
  });

  test('names of the object prototype are names', () => {
    const json = JSON.parse(
      '{"__proto__":{"polluted":1},"panels":[{"type":"constructor"},{"type":"graph","aliasColors":{"__proto__":"red"}},{"type":"singlestat","valueName":"toString","valueMaps":[{"value":"__proto__","text":"x"}]}]}'
    );
    const { dashboard } = migrateDashboard(json);
    expect(dashboard.panels!.map((panel) => panel.type)).toEqual(['constructor', 'timeseries', 'stat']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
