import { isObject, obj, objs, text, type Json } from './json';

/** Transformations with an id; old ones are adapted to what later versions expect. */
export function migrateTransformations(value: unknown, version: number): Json[] {
  const result: Json[] = [];
  for (const source of objs(value)) {
    const id = text(source.id);
    if (id === undefined) {
      continue;
    }
    const transformation: Json = { ...source, id, options: isObject(source.options) ? source.options : {} };
    result.push(transformation);
    if (id === 'timeSeriesTable') {
      transformation.options = timeSeriesTableOptions(obj(source.options));
    }
    if (id === 'labelsToFields' && version > 0 && version < 31) {
      // Until 8.1, it merged implicitly.
      result.push({ id: 'merge', options: {} });
    }
  }
  return result;
}

function timeSeriesTableOptions(options: Json): Json {
  if (!isObject(options.refIdToStat)) {
    return options;
  }
  return Object.fromEntries(Object.entries(options.refIdToStat).map(([refId, stat]) => [refId, { stat }]));
}
