// Constant values, so that the expected output of a panel is known.
export const metrics = `
v{host="a",zone="x"} 10
v{host="b",zone="y"} 20
v{host="c",zone="x"} 30
w{host="a"} 1
w{host="b"} 2
w{host="c"} 4
size_bytes 1536
ratio 0.256
seconds 93784
negative -5
zero 0
state{name="db"} 1
state{name="api"} 0
state{name="web"} 2
time_seconds 1700000000
tiny 0.000123
huge 1234567890
`;

interface Case {
  name: string;
  /** The panel without its title, position and data source. */
  panel: Record<string, unknown>;
  /** Formatted last values of fields by display name, after transformations and overrides, excluding `Time`. */
  values?: Record<string, string>;
  /** Texts that must be drawn. */
  shown?: string[];
  /** Texts that must not be drawn. */
  hidden?: string[];
}

const instant = (expr: string, more: object = {}) => [{ refId: 'A', expr, instant: true, range: false, ...more }];
const range = (expr: string, legendFormat = '{{host}}') => [{ refId: 'A', expr, legendFormat }];
const table = (expr: string, refId = 'A') => ({ refId, expr, instant: true, range: false, format: 'table' });
const stat = (expr: string, defaults: object = {}, options: object = {}) => ({
  type: 'stat',
  targets: instant(expr, { legendFormat: 'value' }),
  fieldConfig: { defaults, overrides: [] },
  options: { reduceOptions: { calcs: ['lastNotNull'] }, ...options },
});
const override = (id: string, options: unknown, property: string, value: unknown) => ({
  defaults: {},
  overrides: [{ matcher: { id, options }, properties: [{ id: property, value }] }],
});
const hosts = (fieldConfig: object) => ({
  type: 'timeseries',
  targets: range('v'),
  fieldConfig,
  options: { legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] }, tooltip: { mode: 'single' } },
});
const legend = (calcs: string[], more: object = {}) => ({
  type: 'timeseries',
  targets: range('v'),
  fieldConfig: { defaults: { unit: 'short' }, overrides: [] },
  options: { legend: { showLegend: true, displayMode: 'table', placement: 'bottom', calcs, ...more }, tooltip: { mode: 'single' } },
});
const transformed = (...transformations: object[]) => ({
  type: 'table',
  targets: [table('v')],
  transformations,
  options: {},
  fieldConfig: { defaults: {}, overrides: [] },
});
const t = (id: string, options: object = {}) => ({ id, options });
const organize = t('organize', { excludeByName: { Time: true, __name__: true, instance: true, job: true } });
const mapping = (m: object) => ({ mappings: [m] });

export const cases: Case[] = [
  // Units and numbers.
  { name: 'bytes', panel: stat('size_bytes', { unit: 'bytes' }), values: { value: '1.50 KiB' }, shown: ['1.50', 'KiB'] },
  { name: 'decbytes', panel: stat('size_bytes', { unit: 'decbytes' }), values: { value: '1.54 kB' } },
  { name: 'percentunit', panel: stat('ratio', { unit: 'percentunit' }), values: { value: '25.6%' }, shown: ['25.6'] },
  { name: 'percent', panel: stat('v{host="a"}', { unit: 'percent' }), values: { value: '10%' } },
  { name: 'seconds', panel: stat('seconds', { unit: 's' }), values: { value: '1.09 days' } },
  { name: 'dtdurations', panel: stat('seconds', { unit: 'dtdurations' }), values: { value: '1 day' } },
  { name: 'clock', panel: stat('seconds', { unit: 'dthms' }), values: { value: '26:03:04' } },
  { name: 'short', panel: stat('huge', { unit: 'short' }), values: { value: '1.23 Bil' } },
  { name: 'si', panel: stat('huge', { unit: 'sishort' }), values: { value: '1.23 G' } },
  { name: 'none', panel: stat('huge', { unit: 'none' }), values: { value: '1234567890' } },
  { name: 'locale', panel: stat('huge', { unit: 'locale' }), values: { value: '1,234,567,890' } },
  { name: 'bps', panel: stat('v{host="b"} * 1e6', { unit: 'bps' }), values: { value: '20 Mb/s' } },
  { name: 'reqps', panel: stat('v{host="b"}', { unit: 'reqps' }), values: { value: '20 req/s' } },
  { name: 'custom unit', panel: stat('v{host="b"}', { unit: 'suffix:apples' }), values: { value: '20 apples' } },
  { name: 'prefix unit', panel: stat('v{host="b"}', { unit: 'prefix:~' }), values: { value: '~20' } },
  { name: 'celsius', panel: stat('v{host="b"}', { unit: 'celsius' }), values: { value: '20 °C' } },
  { name: 'boolean', panel: stat('state{name="db"}', { unit: 'bool' }), values: { value: 'True' } },
  { name: 'scientific', panel: stat('tiny', { unit: 'sci' }), values: { value: '1.23e-4' } },
  { name: 'decimals 0', panel: stat('ratio * 10', { decimals: 0 }), values: { value: '3' } },
  { name: 'decimals 3', panel: stat('ratio', { decimals: 3, unit: 'percentunit' }), values: { value: '25.600%' } },
  { name: 'date', panel: stat('time_seconds * 1000', { unit: 'dateTimeAsIso' }), values: { value: '2023-11-14 22:13:20' } },
  { name: 'negative', panel: stat('negative', { unit: 'short' }), values: { value: '-5' } },
  { name: 'NaN', panel: stat('zero / zero', { noValue: 'nothing' }), values: { value: 'NaN' } },
  { name: 'no value', panel: stat('absent_metric', { noValue: 'nothing here' }), shown: ['nothing here'] },
  // Mappings.
  {
    name: 'value mapping',
    panel: stat('state{name="db"}', mapping({ type: 'value', options: { 1: { text: 'UP', color: 'green' } } })),
    values: { value: 'UP' },
    shown: ['UP'],
  },
  {
    name: 'range mapping',
    panel: stat('v{host="c"}', mapping({ type: 'range', options: { from: 25, to: 35, result: { text: 'warm' } } })),
    values: { value: 'warm' },
  },
  {
    name: 'special mapping',
    panel: stat('zero / zero', mapping({ type: 'special', options: { match: 'nan', result: { text: 'not a number' } } })),
    values: { value: 'not a number' },
  },
  {
    name: 'regex mapping',
    panel: {
      ...transformed(organize),
      fieldConfig: { defaults: mapping({ type: 'regex', options: { pattern: '^(.)$', result: { text: 'host-$1' } } }), overrides: [] },
    },
    shown: ['host-a', 'host-b', 'host-c'],
  },
  // Reducers.
  ...(
    [
      ['max', '30'],
      ['min', '10'],
      ['mean', '20'],
      ['sum', '60'],
      ['count', '3'],
      ['first', '10'],
      ['last', '30'],
      ['range', '20'],
      ['distinctCount', '3'],
    ] as const
  ).map(([calc, text]): Case => ({
    name: `reduce ${calc}`,
    shown: [text],
    panel: {
      type: 'stat',
      targets: [table('v')],
      transformations: [t('sortBy', { sort: [{ field: 'host' }] })],
      fieldConfig: { defaults: { unit: 'none' }, overrides: [] },
      options: { reduceOptions: { calcs: [calc], fields: '/^Value$/' } },
    },
  })),
  // Overrides.
  { name: 'override byName', panel: hosts(override('byName', 'a', 'unit', 'percent')), values: { a: '10%', b: '20' } },
  { name: 'override byRegexp', panel: hosts(override('byRegexp', '/a|b/', 'unit', 'percent')), values: { a: '10%', b: '20%', c: '30' } },
  { name: 'override byType', panel: hosts(override('byType', 'number', 'unit', 'bytes')), values: { a: '10 B', c: '30 B' } },
  {
    name: 'override byFrameRefID',
    panel: {
      ...hosts(override('byFrameRefID', 'B', 'displayName', 'from B')),
      targets: [...range('v{host="a"}'), { refId: 'B', expr: 'w{host="b"}', legendFormat: '{{host}}' }],
    },
    values: { a: '10', 'from B': '2' },
  },
  {
    name: 'override byValue',
    panel: hosts(override('byValue', { reducer: 'max', op: 'gte', value: 30 }, 'displayName', 'high')),
    values: { a: '10', high: '30' },
  },
  { name: 'displayName', panel: hosts(override('byName', 'a', 'displayName', 'Alpha')), values: { Alpha: '10' }, shown: ['Alpha'] },
  {
    name: 'displayName of labels',
    panel: { ...hosts({ defaults: { displayName: '${__field.labels.zone}/${__field.labels.host}' }, overrides: [] }) },
    values: { 'x/a': '10', 'y/b': '20' },
  },
  { name: 'hidden series', panel: hosts(override('byName', 'b', 'custom.hideFrom', { viz: true, legend: true, tooltip: true })), shown: ['a', 'c'] },
  { name: 'override of decimals', panel: hosts(override('byName', 'a', 'decimals', 2)), values: { a: '10.00' } },
  // Legends.
  { name: 'legend last', panel: legend(['lastNotNull']), shown: ['Last *', '10', '20', '30'] },
  { name: 'legend mean and max', panel: legend(['mean', 'max']), shown: ['Mean', 'Max', '30'] },
  { name: 'legend hidden', panel: legend(['mean'], { showLegend: false }), hidden: ['Mean'] },
  { name: 'legend format', panel: { ...hosts({ defaults: {}, overrides: [] }), targets: range('v', '{{zone}} - {{host}}') }, shown: ['x - a', 'y - b'] },
  { name: 'legend without format', panel: { ...hosts({ defaults: {}, overrides: [] }), targets: range('sum(v)', '') }, values: { 'sum(v)': '60' } },
  // Transformations.
  {
    name: 'organize',
    panel: transformed(
      t('organize', {
        excludeByName: { Time: true, __name__: true, instance: true, job: true },
        renameByName: { host: 'Machine', Value: 'Load' },
        indexByName: { Value: 0, host: 1 },
      })
    ),
    values: { Machine: 'c', Load: '30' },
    shown: ['Machine', 'Load'],
  },
  {
    name: 'joinByField',
    panel: { ...transformed(t('joinByField', { byField: 'host', mode: 'outer' })), targets: [table('v'), table('w', 'B')] },
    values: { 'Value #A': '30', 'Value #B': '4' },
  },
  {
    name: 'seriesToColumns',
    panel: { ...transformed(t('seriesToColumns', { byField: 'host' })), targets: [table('v'), table('w', 'B')] },
    values: { 'Value #A': '30', 'Value #B': '4' },
  },
  {
    name: 'merge',
    panel: { ...transformed(t('merge')), targets: [table('sum by (host) (v)'), table('sum by (host) (w)', 'B')] },
    values: { 'Value #A': '30', 'Value #B': '4' },
  },
  {
    name: 'groupBy',
    panel: transformed(
      t('groupBy', { fields: { zone: { operation: 'groupby', aggregations: [] }, Value: { operation: 'aggregate', aggregations: ['sum'] } } }),
      t('sortBy', { sort: [{ field: 'zone' }] })
    ),
    values: { zone: 'y', 'Value (sum)': '20' },
  },
  {
    name: 'calculateField',
    panel: transformed(organize, t('calculateField', { mode: 'binary', binary: { left: 'Value', operator: '*', right: '2' }, alias: 'double' })),
    values: { double: '60' },
  },
  {
    name: 'reduce rows',
    panel: {
      type: 'table',
      targets: range('v'),
      transformations: [t('reduce', { reducers: ['max'] })],
      options: {},
      fieldConfig: { defaults: {}, overrides: [] },
    },
    values: { Field: 'c', Max: '30' },
  },
  {
    name: 'labelsToFields',
    panel: {
      type: 'table',
      targets: instant('v', { legendFormat: '__auto' }),
      transformations: [t('labelsToFields', {}), t('merge')],
      options: {},
      fieldConfig: { defaults: {}, overrides: [] },
    },
    values: { host: 'c', zone: 'x' },
  },
  { name: 'sortBy', panel: transformed(organize, t('sortBy', { sort: [{ field: 'Value', desc: true }] })), values: { host: 'a', Value: '10' } },
  { name: 'limit', panel: transformed(organize, t('sortBy', { sort: [{ field: 'host' }] }), t('limit', { limitField: 2 })), values: { host: 'b' } },
  {
    name: 'filterFieldsByName',
    panel: transformed(t('filterFieldsByName', { include: { names: ['host', 'Value'] } })),
    values: { host: 'c', Value: '30' },
    hidden: ['zone'],
  },
  {
    name: 'filterByRefId',
    panel: { ...transformed(t('filterByRefId', { include: 'B' }), organize), targets: [table('v'), table('w', 'B')] },
    values: { host: 'c' },
  },
  {
    name: 'filterByValue',
    panel: transformed(
      organize,
      t('filterByValue', { type: 'include', match: 'any', filters: [{ fieldName: 'Value', config: { id: 'greater', options: { value: 25 } } }] })
    ),
    values: { host: 'c' },
    hidden: ['10'],
  },
  { name: 'renameByRegex', panel: transformed(organize, t('renameByRegex', { regex: '^(h)ost$', renamePattern: '$1-name' })), values: { 'h-name': 'c' } },
  {
    name: 'convertFieldType',
    panel: transformed(organize, t('convertFieldType', { conversions: [{ targetField: 'Value', destinationType: 'string' }] })),
    values: { Value: '30' },
  },
  {
    name: 'seriesToRows',
    panel: { type: 'table', targets: range('v'), transformations: [t('seriesToRows')], options: {}, fieldConfig: { defaults: {}, overrides: [] } },
    shown: ['Metric'],
  },
  // Panels.
  {
    name: 'gauge',
    panel: {
      type: 'gauge',
      targets: instant('v{host="b"}'),
      fieldConfig: { defaults: { unit: 'percent', min: 0, max: 100 }, overrides: [] },
      options: { reduceOptions: { calcs: ['lastNotNull'] } },
    },
    shown: ['20%'],
  },
  {
    name: 'bar gauge',
    panel: {
      type: 'bargauge',
      targets: instant('v', { legendFormat: '{{host}}' }),
      fieldConfig: { defaults: { unit: 'percent', max: 100, min: 0 }, overrides: [] },
      options: { orientation: 'horizontal', displayMode: 'basic', reduceOptions: { calcs: ['lastNotNull'] } },
    },
    shown: ['10%', '20%', '30%'],
  },
  {
    name: 'pie chart',
    panel: {
      type: 'piechart',
      targets: instant('v', { legendFormat: '{{host}}' }),
      fieldConfig: { defaults: {}, overrides: [] },
      options: {
        legend: { showLegend: true, displayMode: 'table', placement: 'right', values: ['value', 'percent'] },
        reduceOptions: { calcs: ['lastNotNull'] },
      },
    },
    shown: ['a', '17%', '50%'],
  },
  { name: 'text', panel: { type: 'text', options: { mode: 'markdown', content: '# Head\n\nvariable **$host**' } }, shown: ['Head', 'variable b'] },
  { name: 'relative time', panel: { ...hosts({ defaults: {}, overrides: [] }), timeFrom: '1m' }, shown: ['Last 1 minute'] },
  // Variables.
  ...(
    [
      ['$host', 'b'],
      ['${many:csv}', 'a,c'],
      ['${many:pipe}', 'a|c'],
      ['${many:regex}', '(a|c)'],
      ['${many:glob}', '{a,c}'],
      ['${many:json}', '["a","c"]'],
      ['${many:doublequote}', '"a","c"'],
      ['${many:queryparam}', 'var-many=a&var-many=c'],
      ['${many:text}', 'a + c'],
    ] as const
  ).map(([format, text]): Case => ({
    name: `variable ${format}`,
    panel: { type: 'text', options: { mode: 'code', content: `[${format}]`, code: { language: 'plaintext', showLineNumbers: false } } },
    shown: [`[${text}]`],
  })),
  { name: 'variable in a query', panel: stat('v{host="$host"}'), values: { value: '20' } },
  {
    name: 'many values in a query',
    panel: {
      type: 'stat',
      targets: instant('sum(v{host=~"$many"})', { legendFormat: 'value' }),
      fieldConfig: { defaults: {}, overrides: [] },
      options: { reduceOptions: { calcs: ['lastNotNull'] } },
    },
    values: { value: '40' },
  },
];

export const variables = [
  {
    name: 'host',
    type: 'query',
    query: 'label_values(v, host)',
    datasource: { type: 'prometheus', uid: 'prometheus' },
    refresh: 1,
    current: { value: 'b', text: 'b' },
  },
  {
    name: 'many',
    type: 'query',
    query: 'label_values(v, host)',
    datasource: { type: 'prometheus', uid: 'prometheus' },
    refresh: 1,
    multi: true,
    includeAll: true,
    current: { value: ['a', 'c'], text: ['a', 'c'] },
  },
];
