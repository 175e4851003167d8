import type { DataFrame, DataTransformerInfo, Field, FieldType } from '@grafana/data';
import { map } from 'rxjs';

/** A transformation of all frames of a panel at once. */
export function transformer<T>(
  id: string,
  name: string,
  run: (frames: DataFrame[], options: T) => DataFrame[],
  defaultOptions: Partial<T> = {}
): DataTransformerInfo<T> {
  return {
    id,
    name,
    description: name,
    defaultOptions: defaultOptions as T,
    operator: (options) => (source) => source.pipe(map((frames) => run(frames, options))),
  };
}

export function column(name: string, type: FieldType, values: unknown[], more: Partial<Field> = {}): Field {
  return { name, type, values, config: {}, ...more };
}

/** Groups the rows with equal keys, in the order in which the keys first appear. */
export function rowsByKey(keys: unknown[][], length: number): Array<{ keys: unknown[]; rows: number[] }> {
  const groups = new Map<string, { keys: unknown[]; rows: number[] }>();
  for (let row = 0; row < length; row++) {
    const values = keys.map((column) => column[row]);
    const id = JSON.stringify(values.map((v) => [typeof v, v]));
    const group = groups.get(id) ?? { keys: values, rows: [] };
    groups.set(id, group);
    group.rows.push(row);
  }
  return [...groups.values()];
}
