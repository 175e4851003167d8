export const started = Date.now();
/** A histogram with buckets on both sides of zero, changing states, and constant values. */
export function metrics(): string {
  const seconds = (Date.now() - started) / 1000;
  const shares = [
    ['-100', 0.1],
    ['-10', 0.2],
    ['-1', 0.3],
    ['0', 0.5],
    ['1', 0.6],
    ['10', 0.8],
    ['100', 0.9],
    ['+Inf', 1],
  ] as const;
  return [
    ...shares.map(([le, share]) => `balance_bucket{le="${le}"} ${Math.floor(40 * seconds * share)}`),
    ...['a', 'b', 'c', 'd', 'e'].map((host, i) => `state{host="${host}"} ${(Math.floor(seconds / 5) + i) % 3}`),
    'share{part="one"} 10',
    'share{part="two"} 30',
    'share{part="three"} 60',
    '',
  ].join('\n');
}

const range = (expr: string, legendFormat: string, more: object = {}) => [{ refId: 'A', expr, legendFormat, ...more }];
const instant = (expr: string, legendFormat: string) => range(expr, legendFormat, { instant: true, range: false });
const legend = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] };
const linked = { links: [{ title: 'Details of ${__series.name}', url: '/d/other?var-v=${__value.raw}', targetBlank: true }] };
const states = {
  mappings: [{ type: 'value', options: { 0: { text: 'down', color: 'red' }, 1: { text: 'busy', color: 'orange' }, 2: { text: 'up', color: 'green' } } }],
};

const drawn = [
  {
    title: 'Lines',
    type: 'timeseries',
    targets: range('state', '{{host}}'),
    fieldConfig: { defaults: linked, overrides: [] },
    options: { legend, tooltip: { mode: 'single' } },
  },
  {
    title: 'Symlog',
    type: 'heatmap',
    targets: range('sum by (le) (increase(balance_bucket[10s]))', '{{le}}', { format: 'heatmap' }),
    options: { rowsFrame: { yBucketScale: { type: 'symlog', linearThreshold: 1 } } },
    fieldConfig: { defaults: linked, overrides: [] },
  },
  { title: 'Native', type: 'heatmap', targets: range('sum(increase(account_EUR[10s]))', '', { format: 'heatmap' }), options: {} },
  {
    title: 'Timeline',
    type: 'state-timeline',
    targets: range('state', '{{host}}'),
    fieldConfig: { defaults: { ...linked, ...states }, overrides: [] },
    options: { perPage: 2, legend, tooltip: { mode: 'single' } },
  },
  {
    title: 'History',
    type: 'status-history',
    targets: range('state', '{{host}}', { interval: '5s' }),
    fieldConfig: { defaults: { ...linked, ...states }, overrides: [] },
    options: { perPage: 3, legend, tooltip: { mode: 'single' } },
  },
  {
    title: 'Pie',
    type: 'piechart',
    targets: instant('share', '{{part}}'),
    options: { legend: { ...legend, values: ['percent'] }, reduceOptions: { calcs: ['lastNotNull'] }, displayLabels: ['name'] },
  },
  {
    title: 'Pie of rows',
    type: 'piechart',
    targets: [{ ...instant('share', '')[0], format: 'table' }],
    options: {
      legend: { ...legend, values: ['percent'] },
      reduceOptions: { calcs: ['lastNotNull'], values: true, fields: '/^Value$/' },
      displayLabels: ['name'],
    },
  },
  {
    title: 'Bars',
    type: 'barchart',
    targets: [{ ...instant('share', '')[0], format: 'table' }],
    fieldConfig: { defaults: linked, overrides: [] },
    transformations: [{ id: 'organize', options: { excludeByName: { Time: true, __name__: true, instance: true, job: true } } }],
    options: { legend, tooltip: { mode: 'single' } },
  },
  { title: 'Alerts', type: 'alertlist', options: { stateFilter: { firing: true } } },
  {
    title: 'Totals',
    type: 'heatmap',
    targets: range('sum by (le) (balance_bucket)', '{{le}}', { format: 'heatmap' }),
    options: { rowsFrame: { yBucketScale: { type: 'symlog', linearThreshold: 1 } } },
  },
];
export const empty = [
  'timeseries',
  'state-timeline',
  'status-history',
  'heatmap',
  'barchart',
  'piechart',
  'histogram',
  'table',
  'stat',
  'gauge',
  'bargauge',
].map((type) => ({
  title: `No ${type}`,
  type,
  targets: range('absent_metric', ''),
  fieldConfig: { defaults: { noValue: 'nothing yet' }, overrides: [] },
}));
export const panels = [...drawn, ...empty].map((panel, i) => ({
  id: i + 1,
  gridPos: { x: (i % 3) * 8, y: Math.floor(i / 3) * 9, w: 8, h: 9 },
  datasource: { type: 'prometheus', uid: 'prometheus' },
  ...panel,
}));
export const idOf = (title: string) => panels.find((p) => p.title === title)!.id;

/** An old dashboard: a graph with a time region that covers all of today. */
export const old = {
  uid: 'old',
  title: 'Old',
  schemaVersion: 16,
  timezone: 'utc',
  time: { from: 'now-1m', to: 'now' },
  panels: [1, 2].map((id) => ({
    id,
    type: 'graph',
    title: `Graph ${id}`,
    datasource: 'Prometheus',
    gridPos: { x: (id - 1) * 12, y: 0, w: 12, h: 9 },
    targets: [{ refId: 'A', expr: 'share' }],
    lines: true,
    timeRegions:
      id === 1
        ? [{ op: 'time', fromDayOfWeek: new Date().getUTCDay() || 7, fill: true, line: true, colorMode: 'custom', fillColor: 'rgba(255, 0, 255, 1)' }]
        : [],
  })),
};
