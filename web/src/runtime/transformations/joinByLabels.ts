import { FieldType, type DataFrame, type Field } from '@grafana/data';

import { column, transformer } from './transformer';

interface Options {
  value?: string;
  join?: string[];
}

/** Joins into one table with a row for each set of the join labels and a column for each value of one label. */
export const joinByLabels = transformer<Options>('joinByLabels', 'Join by labels', (frames, options) => (frames.length > 0 ? [join(frames, options)] : frames));

function join(frames: DataFrame[], { value: valueLabel = '', join: wanted }: Options): DataFrame {
  const values = frames.flatMap((f) => f.fields.filter((field) => field.labels && field.type !== FieldType.time));
  const labels = new Set(frames.flatMap((f) => f.fields).flatMap((f) => Object.keys(f.labels ?? {})));
  const problem =
    valueLabel === '' ? 'No value label configured' : labels.size === 0 ? 'No labels in result' : !labels.has(valueLabel) ? 'Value label not found' : undefined;
  if (problem) {
    return { meta: { notices: [{ severity: 'error', text: problem }] }, fields: [column('Error', FieldType.string, [problem])], length: 0 };
  }
  const joined = (wanted?.length ? wanted : [...labels]).filter((name) => name !== valueLabel);
  const groups = new Map<string, { keys: Array<string | undefined>; columns: Map<string, unknown[]> }>();
  const first = new Map<string, Field>();
  for (const field of values) {
    const keys = joined.map((name) => field.labels![name]);
    const group = groups.get(keys.join(',')) ?? { keys, columns: new Map<string, unknown[]>() };
    groups.set(keys.join(','), group);
    const name = String(field.labels![valueLabel]);
    group.columns.set(name, [...(group.columns.get(name) ?? []), ...field.values]);
    first.set(name, first.get(name) ?? field);
  }
  const rows = [...groups.values()].flatMap((group) => {
    const length = Math.max(1, ...[...group.columns.values()].map((c) => c.length));
    return Array.from({ length }, (_, at) => ({ group, at }));
  });
  return {
    refId: `joinByLabels-${frames.map((f) => f.refId).join('-')}`,
    length: rows.length,
    fields: [
      ...joined.map((name, i) =>
        column(
          name,
          FieldType.string,
          rows.map(({ group }) => group.keys[i])
        )
      ),
      ...[...first].map(([name, field]) =>
        column(
          name,
          field.type,
          rows.map(({ group, at }) => group.columns.get(name)?.[at])
        )
      ),
    ],
  };
}
