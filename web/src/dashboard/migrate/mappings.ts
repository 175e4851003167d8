import { MappingType, SpecialValueMatch, ThresholdsMode, type ThresholdsConfig, type ValueMapping, type ValueMappingResult } from '@grafana/schema';

import { compact, isObject, num, obj, objs, str, text, type Json } from './json';

/** Threshold steps from any version; the first one starts at minus infinity, which JSON represents as null. */
export function migrateThresholds(value: unknown): ThresholdsConfig | undefined {
  const config = Array.isArray(value) ? { steps: value } : obj(value);
  const steps = objs(config.steps)
    .filter((step) => text(step.color) !== undefined)
    .map((step) => ({ ...step, color: String(step.color), value: num(step.value) ?? null }));
  if (steps.length === 0) {
    return undefined;
  }
  steps.sort((a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity));
  steps[0].value = null;
  const mode = config.mode === ThresholdsMode.Percentage ? ThresholdsMode.Percentage : ThresholdsMode.Absolute;
  return { mode, steps: steps.map(({ index: _index, ...step }: Json) => step as { color: string; value: number | null }) };
}

/** Value mappings from any version: a list of {type: 1|2, …} became one of maps. */
export function migrateMappings(value: unknown, thresholds?: ThresholdsConfig): ValueMapping[] {
  const old: Json[] = [];
  const current: ValueMapping[] = [];
  for (const mapping of objs(value)) {
    if (typeof mapping.type === 'string' && isObject(mapping.options)) {
      current.push(mapping as unknown as ValueMapping);
    } else {
      old.push(mapping);
    }
  }
  return [...current, ...upgrade(old, thresholds)];
}

function upgrade(old: Json[], thresholds?: ThresholdsConfig): ValueMapping[] {
  const values = new Map<string, ValueMappingResult>();
  const rest: ValueMapping[] = [];
  for (const mapping of old) {
    const result: ValueMappingResult = { text: str(mapping.text) ?? '', index: values.size + rest.length };
    if (num(mapping.type) === 2 || (mapping.type === undefined && mapping.from !== undefined)) {
      const range = rangeMapping(mapping, result, thresholds);
      rest.push(range);
      continue;
    }
    const key = str(mapping.value);
    if (key === undefined || key === 'null') {
      rest.push(nullMapping(result));
    } else {
      values.set(key, withColor(result, num(key), thresholds));
    }
  }
  if (values.size === 0) {
    return rest;
  }
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(values) }, ...rest];
}

function rangeMapping(mapping: Json, result: ValueMappingResult, thresholds?: ThresholdsConfig): ValueMapping {
  const from = num(mapping.from);
  const to = num(mapping.to);
  if (from === undefined && to === undefined) {
    return nullMapping(result);
  }
  return {
    type: MappingType.RangeToText,
    options: { from: from ?? null, to: to ?? null, result: withColor(result, from ?? to, thresholds) },
  };
}

function nullMapping(result: ValueMappingResult): ValueMapping {
  return { type: MappingType.SpecialValue, options: { match: SpecialValueMatch.NullAndNan, result } };
}

/** Old mappings took the color from the threshold that contains their value. */
function withColor(result: ValueMappingResult, value?: number, thresholds?: ThresholdsConfig): ValueMappingResult {
  if (value === undefined || thresholds === undefined || thresholds.mode !== ThresholdsMode.Absolute) {
    return result;
  }
  const step = thresholds.steps.findLast((s) => value >= (s.value ?? -Infinity));
  return compact({ ...result, color: step?.color });
}

/** Mappings of singlestat and the old table: valueMaps for mappingType 1, rangeMaps for 2. */
export function angularMappings(source: Json, thresholds?: ThresholdsConfig): ValueMapping[] {
  const type = num(source.mappingType) ?? 1;
  const maps: Json[] =
    type === 2
      ? objs(source.rangeMaps).map((map) => ({ type: 2, from: map.from, to: map.to, text: map.text }))
      : objs(source.valueMaps).map((map) => ({ type: 1, value: map.value, text: map.text }));
  return upgrade(maps, thresholds);
}

/** "10,20" or [10, 20] with three colors: steps that start below, at 10 and at 20. */
export function angularThresholds(thresholds: unknown, colors: unknown): ThresholdsConfig | undefined {
  const levels = (Array.isArray(thresholds) ? thresholds : (str(thresholds) ?? '').split(',')).map(num).filter((level): level is number => level !== undefined);
  const names = Array.isArray(colors) ? colors.map(text) : [];
  if (names.length === 0) {
    return undefined;
  }
  return migrateThresholds([
    { value: null, color: names[0] ?? 'green' },
    ...levels.slice(0, Math.max(0, names.length - 1)).map((value, i) => ({ value, color: names[i + 1] ?? 'green' })),
  ]);
}
