import { FieldType, isTimeSeriesFrame, reduceField, ReducerID, type DataFrame } from '@grafana/data';

import { column, transformer } from './transformer';

type Options = Record<string, { stat?: ReducerID; timeField?: string } | undefined>;

/** Returns a table for each query with a row for each series: its labels, and the whole series as a sparkline with one value. */
export const timeSeriesTable = transformer<Options>('timeSeriesTable', 'Time series to table', (frames, options) => {
  const queries = [...new Set(frames.flatMap((f) => f.refId ?? []))];
  const others = frames.filter((f) => f.refId !== undefined && !isTimeSeriesFrame(f));
  return [
    ...others,
    ...queries.flatMap((refId) =>
      tableOf(
        frames.filter((f) => f.refId === refId && isTimeSeriesFrame(f)),
        refId,
        options[refId]
      )
    ),
  ];
});

function tableOf(frames: DataFrame[], refId: string, { stat = ReducerID.lastNotNull, timeField }: NonNullable<Options[string]> = {}): DataFrame[] {
  const series = frames.flatMap((frame) => {
    const time = frame.fields.find((f) => (timeField ? f.name === timeField : f.type === FieldType.time));
    return frame.fields.filter((f) => f.type === FieldType.number).map((field) => ({ time, field }));
  });
  if (series.length === 0) {
    return [];
  }
  const labels = [...new Set(series.flatMap(({ field }) => Object.keys(field.labels ?? {})))];
  const trends = series.flatMap(({ time, field }) => {
    const value = (reduceField({ field, reducers: [stat] })[stat] ?? null) as number | null;
    return time ? [{ fields: [time, field], length: field.values.length, value }] : [];
  });
  return [
    {
      refId,
      length: series.length,
      fields: [
        ...labels.map((name) =>
          column(
            name,
            FieldType.string,
            series.map(({ field }) => field.labels?.[name] ?? '')
          )
        ),
        ...(trends.length > 0 ? [column(`Trend #${refId}`, FieldType.frame, trends)] : []),
      ],
    },
  ];
}
