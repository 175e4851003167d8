import { DataFrameType, FieldType, toDataFrame, transformDataFrame, type DataFrame, type Field } from '@grafana/data';
import { firstValueFrom } from 'rxjs';
import { beforeAll, describe, expect, test } from 'vitest';

import { registerTransformers } from '../transformers';
import { pairs } from './extractFields';
import { fit } from './regression';

beforeAll(registerTransformers);

const run = (id: string, options: object, ...frames: DataFrame[]) => firstValueFrom(transformDataFrame([{ id, options }], frames, { interpolate: (v) => v }));
const table = (frame: DataFrame) => Object.fromEntries(frame.fields.map((f) => [f.name, f.values]));
const series = (refId: string, labels: Record<string, string>, values: number[], times = values.map((_, i) => i * 1000)) =>
  toDataFrame({
    refId,
    meta: { type: DataFrameType.TimeSeriesMulti },
    fields: [
      { name: 'Time', type: FieldType.time, values: times },
      { name: 'Value', type: FieldType.number, labels, values },
    ],
  });

describe('extractFields', () => {
  const logs = toDataFrame({
    fields: [
      { name: 'Time', type: FieldType.time, values: [1, 2] },
      { name: 'Line', type: FieldType.string, values: ['{"who":"eve","ms":12,"in":{"a":[1,2]}}', 'not JSON'] },
      { name: 'labels', type: FieldType.other, values: [{ job: 'shop', level: 'warn' }, { job: 'shop' }] },
    ],
  });
  test('labels and JSON become columns', async () => {
    const [labels] = await run('extractFields', { source: 'labels', format: 'auto' }, logs);
    expect(Object.keys(table(labels!))).toEqual(['Time', 'Line', 'labels', 'job', 'level']);
    expect(table(labels!)['level']).toEqual(['warn', undefined]);
    const [lines] = await run('extractFields', { source: 'Line', format: 'json', replace: true, keepTime: true }, logs);
    expect(table(lines!)).toEqual({ Time: [1, 2], who: ['eve', undefined], ms: [12, undefined], in: [{ a: [1, 2] }, undefined] });
    expect(lines!.fields.find((f) => f.name === 'ms')!.type).toBe(FieldType.number);
  });
  test('paths into JSON', async () => {
    const [frame] = await run(
      'extractFields',
      { source: 'Line', format: 'json', replace: true, jsonPaths: [{ path: 'in.a[1]', alias: 'second' }, { path: 'no' }] },
      logs
    );
    expect(table(frame!)).toEqual({ second: [2, 'Not Found'], no: ['Not Found', 'Not Found'] });
  });
  test('pairs of names and values', () => {
    expect(pairs('a="1",   "b"=\'2\',c=3  x:y ;\r\nz="d and 4"')).toEqual({ a: '1', b: '2', c: '3', x: 'y', z: 'd and 4' });
    expect(pairs('lone url=http://x a\\=b=c')).toEqual({ lone: '', url: '', http: '//x', 'a=b': 'c' });
    expect(pairs('{"a":"say \\"no\\"", b: 7}')).toEqual({ a: 'say "no"', b: '7' });
  });
  test('parts and groups', async () => {
    const lines = toDataFrame({ fields: [{ name: 'l', type: FieldType.string, values: ['a ; b'] }] });
    expect(table((await run('extractFields', { source: 'l', format: 'delimiter', delimiter: ';', replace: true }, lines))[0]!)).toEqual({ a: [1], b: [1] });
    expect(table((await run('extractFields', { source: 'l', format: 'regexp', regExp: '/(?<first>\\w)/', replace: true }, lines))[0]!)).toEqual({
      first: ['a'],
    });
  });
});

describe('rowsToFields', () => {
  const rows = toDataFrame({
    refId: 'A',
    fields: [
      { name: 'host', type: FieldType.string, values: ['a', 'b'] },
      { name: 'Value', type: FieldType.number, values: [10, 20] },
      { name: 'Unit', type: FieldType.string, values: ['s', 'bytes'] },
      { name: 'Max', type: FieldType.number, values: [100, 200] },
      { name: 'zone', type: FieldType.string, values: ['x', 'y'] },
    ],
  });
  test('names, values, settings and labels', async () => {
    const [frame] = await run('rowsToFields', {}, rows);
    expect(frame!.fields.map((f) => [f.name, f.values, f.config, f.labels])).toEqual([
      ['a', [10], { unit: 's', max: 100 }, { zone: 'x' }],
      ['b', [20], { unit: 'bytes', max: 200 }, { zone: 'y' }],
    ]);
  });
  test('columns that mappings choose', async () => {
    const [frame] = await run(
      'rowsToFields',
      {
        mappings: [
          { fieldName: 'zone', handlerKey: 'field.name' },
          { fieldName: 'Max', handlerKey: 'field.value' },
          { fieldName: 'host', handlerKey: '__ignore' },
        ],
      },
      rows
    );
    expect(frame!.fields.map((f) => [f.name, f.values, f.labels])).toEqual([
      ['x', [100], { Value: 10 }],
      ['y', [200], { Value: 20 }],
    ]);
  });
  test('without a name nothing changes', async () => {
    const numbers = toDataFrame({ fields: [{ name: 'Value', type: FieldType.number, values: [1] }] });
    expect((await run('rowsToFields', {}, numbers))[0]!.fields[0]!.name).toBe('Value');
  });
});

describe('configFromData', () => {
  const config = toDataFrame({
    refId: 'config',
    fields: [
      { name: 'Time', type: FieldType.time, values: [1, 2] },
      { name: 'Max', type: FieldType.number, values: [5, 50] },
      { name: 'limit', type: FieldType.number, values: [7, 30] },
    ],
  });
  test('a query says the settings of the others', async () => {
    const frames = await run(
      'configFromData',
      { mappings: [{ fieldName: 'limit', handlerKey: 'threshold1', reducerId: 'max', handlerArguments: { threshold: { color: 'orange' } } }] },
      series('A', {}, [60]),
      config
    );
    expect(frames).toHaveLength(1);
    expect(frames[0]!.fields[1]!.config).toEqual({ max: 50, thresholds: { mode: 'absolute', steps: [{ value: 30, color: 'orange' }] } });
    expect(frames[0]!.fields[0]!.config.max).toBeUndefined();
    expect(frames[0]!.fields[1]!.values).toEqual([60]);
  });
  test('value mappings are made of whole columns', async () => {
    const names = toDataFrame({
      refId: 'config',
      fields: [
        { name: 'id', type: FieldType.number, values: [1, 2] },
        { name: 'text', type: FieldType.string, values: ['one', 'two'] },
      ],
    });
    const [frame] = await run(
      'configFromData',
      {
        mappings: [
          { fieldName: 'id', handlerKey: 'mappings.value' },
          { fieldName: 'text', handlerKey: 'mappings.text' },
        ],
      },
      series('A', {}, [1]),
      names
    );
    expect(frame!.fields[1]!.config.mappings).toMatchObject([{ type: 'value', options: { 1: { text: 'one', index: 0 }, 2: { text: 'two', index: 1 } } }]);
  });
});

describe('prepareTimeSeries', () => {
  const wide = toDataFrame({
    refId: 'A',
    fields: [
      { name: 'Time', type: FieldType.time, values: [2, 1] },
      { name: 'Value', type: FieldType.number, labels: { host: 'a' }, values: [20, 10] },
      { name: 'Value', type: FieldType.number, labels: { host: 'b' }, values: [200, 100] },
    ],
  });
  test('multi', async () => {
    const frames = await run('prepareTimeSeries', { format: 'multi' }, wide);
    expect(frames.map((f) => [f.meta?.type, f.fields[1]!.labels, f.fields[0]!.values, f.fields[1]!.values])).toEqual([
      [DataFrameType.TimeSeriesMulti, { host: 'a' }, [1, 2], [10, 20]],
      [DataFrameType.TimeSeriesMulti, { host: 'b' }, [1, 2], [100, 200]],
    ]);
  });
  test('long', async () => {
    const [frame] = await run('prepareTimeSeries', { format: 'long' }, wide);
    expect(table(frame!)).toEqual({ Time: [1, 1, 2, 2], Value: [10, 100, 20, 200], host: ['a', 'b', 'a', 'b'] });
  });
  test('wide', async () => {
    const [frame, ...none] = await run(
      'prepareTimeSeries',
      { format: 'wide' },
      series('A', { host: 'a' }, [1, 2], [1, 2]),
      series('B', { host: 'b' }, [3], [2])
    );
    expect(none).toEqual([]);
    expect(frame!.fields.map((f: Field) => f.values)).toEqual([
      [1, 2],
      [1, 2],
      [undefined, 3],
    ]);
  });
});

describe('partitionByValues', () => {
  const rows = toDataFrame({
    name: 'XYZ',
    refId: 'A',
    fields: [
      { name: 'model', type: FieldType.string, values: ['E1', 'C1', 'E2'] },
      { name: 'region', type: FieldType.string, values: ['Europe', 'China', 'Europe'] },
      { name: 'Value', type: FieldType.number, values: [1, 2, 3] },
    ],
  });
  test('a frame for each value, with labels', async () => {
    const frames = await run('partitionByValues', { fields: ['region'] }, rows);
    expect(frames.map((f) => [f.name, table(f), f.fields[0]!.labels])).toEqual([
      ['XYZ', { model: ['E1', 'E2'], Value: [1, 3] }, { region: 'Europe' }],
      ['XYZ', { model: ['C1'], Value: [2] }, { region: 'China' }],
    ]);
  });
  test('names instead of labels', async () => {
    const named = async (naming: object) =>
      (await run('partitionByValues', { fields: ['region'], keepFields: true, naming: { asLabels: false, ...naming } }, rows)).map((f) => [
        f.name,
        f.fields.length,
      ]);
    expect(await named({})).toEqual([
      ['Europe', 3],
      ['China', 3],
    ]);
    expect(await named({ append: true, withNames: true })).toEqual([
      ['XYZ region=Europe', 3],
      ['XYZ region=China', 3],
    ]);
  });
});

test('joinByLabels', async () => {
  const frames = [
    series('A', { what: 'Temp', cluster: 'A', job: 'J1' }, [10]),
    series('B', { what: 'Temp', cluster: 'B', job: 'J1' }, [20]),
    series('C', { what: 'Speed', cluster: 'B', job: 'J1' }, [22]),
    series('D', { what: 'Speed', cluster: 'B', job: 'J2' }, [45]),
  ];
  expect(table((await run('joinByLabels', { value: 'what' }, ...frames))[0]!)).toEqual({
    cluster: ['A', 'B', 'B'],
    job: ['J1', 'J1', 'J2'],
    Temp: [10, 20, undefined],
    Speed: [undefined, 22, 45],
  });
  expect(table((await run('joinByLabels', { value: 'what', join: ['cluster'] }, ...frames))[0]!)).toEqual({
    cluster: ['A', 'B', 'B'],
    Temp: [10, 20, undefined],
    Speed: [undefined, 22, 45],
  });
  expect((await run('joinByLabels', { value: 'none' }, ...frames))[0]!.meta?.notices?.[0]?.text).toBe('Value label not found');
});

test('timeSeriesTable', async () => {
  const [a, b] = await run(
    'timeSeriesTable',
    { B: { stat: 'max' } },
    series('A', { host: 'x' }, [1, 0]),
    series('A', { pod: 'p' }, [3, 4]),
    series('B', {}, [9, 5])
  );
  expect([a!.refId, a!.fields.map((f) => f.name), a!.fields[0]!.values, a!.fields[1]!.values]).toEqual([
    'A',
    ['host', 'pod', 'Trend #A'],
    ['x', ''],
    ['', 'p'],
  ]);
  expect(a!.fields[2]!.values.map((v: { value: number; length: number }) => [v.value, v.length])).toEqual([
    [0, 2],
    [4, 2],
  ]);
  expect(b!.fields.map((f) => [f.name, (f.values[0] as { value: number }).value])).toEqual([['Trend #B', 9]]);
});

describe('regression', () => {
  test('adds a predicted frame over the same times', async () => {
    const frames = await run(
      'regression',
      { xFieldName: 'Time', yFieldName: 'Value', predictionCount: 3 },
      series('A', {}, [1, 3, 5], [1e12, 1e12 + 1000, 1e12 + 2000])
    );
    expect(frames[1]!.name).toBe('linear regression');
    expect(frames[1]!.fields.map((f) => f.name)).toEqual(['Time', 'Value predicted']);
    expect(frames[1]!.fields[0]!.values.at(-1)).toBe(1e12 + 2000);
    expect(frames[1]!.fields[1]!.values.at(-1)).toBeCloseTo(5);
  });
  test('a parabola', () => {
    const predict = fit(
      [0, 1, 2, 3, 4].map((x) => [x * 6e4, x * x - 2 * x + 7]),
      2
    );
    expect([0, 2.5, 4].map((x) => predict(x * 6e4))).toEqual([expect.closeTo(7, 6), expect.closeTo(8.25, 6), expect.closeTo(15, 6)]);
  });
});

test('heatmap counts values in cells', async () => {
  const [frame] = await run(
    'heatmap',
    { xBuckets: { mode: 'size', value: '1s' }, yBuckets: { mode: 'size', value: '10' } },
    series('A', {}, [1, 12, 13, 5], [0, 500, 1000, 1500])
  );
  expect([frame!.meta?.type, table(frame!)]).toEqual([DataFrameType.HeatmapCells, { xMin: [0, 0, 1000, 1000], yMin: [0, 10, 0, 10], Count: [1, 1, 1, 1] }]);
});
