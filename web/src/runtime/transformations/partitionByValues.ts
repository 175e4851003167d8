import { cacheFieldDisplayNames, type DataFrame, type Field, type Labels } from '@grafana/data';
import { cloneDeep } from 'lodash';

import { rowsByKey, transformer } from './transformer';

interface Options {
  fields?: string[];
  keepFields?: boolean;
  naming?: { asLabels?: boolean; append?: boolean; withNames?: boolean; separator1?: string; separator2?: string };
}

/** Splits the first frame into one frame for each combination of values of certain columns. */
export const partitionByValues = transformer<Options>(
  'partitionByValues',
  'Partition by values',
  (frames, options) => (frames[0] && options.fields?.length ? partition(frames[0], options) : frames),
  { keepFields: false }
);

function partition(frame: DataFrame, { fields = [], keepFields, naming }: Options): DataFrame[] {
  const shown = (f: Field) => f.config.displayNameFromDS ?? f.config.displayName ?? f.name;
  const keys = frame.fields.filter((f) => fields.includes(shown(f)) || fields.includes(f.name));
  if (keys.length === 0) {
    return [frame];
  }
  const { asLabels = true, append = false, withNames = false, separator1 = '=', separator2 = ' ' } = naming ?? {};
  const kept = keepFields ? frame.fields : frame.fields.filter((f) => !keys.includes(f));
  const parts = rowsByKey(
    keys.map((f) => f.values),
    frame.length
  ).map(({ keys: values, rows }) => {
    const labels: Labels = asLabels ? Object.fromEntries(keys.map((f, i) => [shown(f), String(values[i])])) : {};
    const name = keys.map((f, i) => (withNames ? `${shown(f)}${separator1}${values[i]}` : String(values[i]))).join(separator2);
    return {
      name: asLabels ? frame.name : append && frame.name ? `${frame.name} ${name}` : name,
      refId: frame.refId,
      meta: frame.meta,
      length: rows.length,
      fields: kept.map((f) => ({
        name: f.name,
        type: f.type,
        config: cloneDeep(f.config),
        labels: { ...f.labels, ...labels },
        values: rows.map((row) => f.values[row] as unknown),
      })),
    };
  });
  return withDistinctNames(parts);
}

/** Renamed columns have the same name in every frame, so the distinct names from partitioning are kept instead. */
function withDistinctNames(frames: DataFrame[]): DataFrame[] {
  const renamed = (f: Field) => f.config.displayNameFromDS ?? f.config.displayName;
  const plain = frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((f) =>
      renamed(f) ? { ...f, name: renamed(f)!, config: { ...f.config, displayName: undefined, displayNameFromDS: undefined } } : f
    ),
  }));
  cacheFieldDisplayNames(plain);
  return frames.map((frame, i) => ({
    ...frame,
    fields: frame.fields.map((f, j) =>
      renamed(f) ? { ...f, config: { ...f.config, displayNameFromDS: undefined, displayName: plain[i]!.fields[j]!.state?.displayName ?? renamed(f) } } : f
    ),
  }));
}
