import { DataFrameType, fieldMatchers, FieldMatcherID, FieldType, outerJoinDataFrames, type DataFrame, type Field, type Labels } from '@grafana/data';

import { column, rowsByKey, transformer } from './transformer';

/**
 * Converts time series to the format that a panel needs: one wide frame, a frame for each series, or rows with labels
 * as columns.
 */
export const prepareTimeSeries = transformer<{ format?: string }>('prepareTimeSeries', 'Prepare time series', (frames, { format }) => {
  if (frames.length === 0) {
    return frames;
  }
  switch (format) {
    case 'multi':
    case 'many':
      return toMulti(frames);
    case 'long':
      return toLong(frames);
    default:
      return toWide(frames);
  }
});

function toWide(frames: DataFrame[]): DataFrame[] {
  const joined = outerJoinDataFrames({ frames, joinBy: fieldMatchers.get(FieldMatcherID.firstTimeField).get({}), keepOriginIndices: true });
  return joined ? [{ ...joined, meta: { ...joined.meta, type: DataFrameType.TimeSeriesWide } }] : [];
}

const isFactor = (f: Field) => f.type === FieldType.string || f.type === FieldType.boolean;

/** Returns a row for each time and label set, with columns for values, labels and strings. */
export function toLong(frames: DataFrame[]): DataFrame[] {
  return frames.flatMap((frame) => {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    if (!time) {
      return [];
    }
    const factors = frame.fields.filter((f, i) => isFactor(f) && frame.fields.findIndex((o) => o.name === f.name) === i);
    const values = frame.fields.filter((f) => f !== time && !isFactor(f));
    const bySet = new Map<string, Field[]>();
    for (const field of values) {
      const set = JSON.stringify(field.labels) ?? '';
      bySet.set(set, [...(bySet.get(set) ?? []), field]);
    }
    const sets = [...bySet].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, fields]) => fields);
    const labels = [...new Set([...factors.map((f) => f.name), ...values.flatMap((f) => Object.keys(f.labels ?? {}))])].sort();
    const names = [...new Set(values.map((f) => f.name))].sort();
    const order = time.values.map((_, i) => i).sort((a, b) => Number(time.values[a]) - Number(time.values[b]));
    const rows = order.flatMap((row) => sets.map((fields) => ({ row, fields })));
    const labelAt = (name: string) =>
      rows.map(({ row, fields }) => fields[0]?.labels?.[name] ?? (factors.find((f) => f.name === name)?.values[row] as unknown));
    return [
      {
        ...frame,
        length: rows.length,
        meta: { ...frame.meta, type: DataFrameType.TimeSeriesLong },
        fields: [
          column(
            time.name,
            FieldType.time,
            rows.map(({ row }) => time.values[row] as unknown)
          ),
          ...names.map((name) =>
            column(
              name,
              values.find((f) => f.name === name)!.type,
              rows.map(({ row, fields }) => fields.find((f) => f.name === name)?.values[row] as unknown)
            )
          ),
          ...labels.map((name) => column(name, FieldType.string, labelAt(name))),
        ],
      },
    ];
  });
}

/** Returns a frame with a time and a value field for each series. */
function toMulti(frames: DataFrame[]): DataFrame[] {
  return toLong(frames).flatMap((frame) => {
    const [time, ...others] = frame.fields as [Field, ...Field[]];
    const texts = others.filter((f) => f.type === FieldType.string);
    const numbers = others.filter((f) => f.type === FieldType.number || f.type === FieldType.boolean);
    return numbers.flatMap((field) =>
      rowsByKey(
        texts.map((f) => f.values),
        frame.length
      ).flatMap(({ keys, rows }) => {
        const used = rows.filter((row) => field.values[row] !== undefined && time.values[row] !== null && time.values[row] !== undefined);
        if (used.length === 0) {
          return [];
        }
        const labels: Labels = Object.fromEntries(texts.map((f, i) => [f.name, keys[i] as string]));
        return [
          {
            name: frame.name,
            refId: frame.refId,
            length: used.length,
            meta: { ...frame.meta, type: DataFrameType.TimeSeriesMulti },
            fields: [
              { ...time, values: used.map((row) => time.values[row] as unknown) },
              { ...field, values: used.map((row) => field.values[row] as unknown), ...(texts.length > 0 && { labels }) },
            ],
          },
        ];
      })
    );
  });
}
