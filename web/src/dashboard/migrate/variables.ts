import { bool, check, compact, isObject, num, objs, str, strs, text, without, type Json } from './json';
import type { Context } from './context';
import { datasourceRef } from './datasource';

const types = new Set(['query', 'adhoc', 'groupby', 'constant', 'datasource', 'interval', 'textbox', 'custom', 'system', 'snapshot', 'switch']);
const withDatasource = new Set(['query', 'adhoc', 'groupby']);
const deadKeys = [
  'hideLabel',
  'hideVariable',
  'tags',
  'tagsQuery',
  'tagValuesQuery',
  'useTags',
  'allFormat',
  'multiFormat',
  'refresh_on_load',
  'filter',
  'global',
  'initLock',
  'state',
  'error',
  'index',
];

/** Migrates `templating.list`. Variables without a name or with an unknown type are dropped, with a notice. */
export function migrateVariables(value: unknown, context: Context): Json[] {
  const seen = new Set<string>();
  return objs(value).flatMap((source) => {
    const name = text(source.name);
    const type = source.type === 'filter' ? 'query' : (text(source.type) ?? 'query');
    if (name === undefined || seen.has(name)) {
      context.notices.push(name === undefined ? 'A variable without a name was left out' : `Variable ${name} is there twice; the first one counts`);
      return [];
    }
    if (!types.has(type)) {
      context.notices.push(`Variable ${name} was left out: type ${type} is not known`);
      return [];
    }
    seen.add(name);
    return [migrateVariable({ ...source, name, type }, context)];
  });
}

function migrateVariable(source: Json, context: Context): Json {
  const variable: Json = without(source, deadKeys);
  variable.hide = hideOf(source);
  for (const key of ['multi', 'includeAll', 'skipUrlSync', 'allowCustomValue', 'auto']) {
    check(variable, key, bool);
  }
  for (const key of ['label', 'description', 'allValue', 'auto_min', 'definition']) {
    check(variable, key, str);
  }
  check(variable, 'regexApplyTo', (value) => (value === 'text' ? 'text' : value === 'value' ? 'value' : undefined));
  check(variable, 'sort', (value) => Math.min(8, Math.max(0, num(value) ?? 0)));
  check(variable, 'auto_count', num);
  delete variable.datasource;
  if (withDatasource.has(String(source.type))) {
    const ref = datasourceRef(source.datasource);
    if (ref !== undefined) {
      variable.datasource = ref;
    }
  }
  check(variable, 'options', (value) => (Array.isArray(value) ? objs(value).flatMap(option) : undefined));
  variable.current = current(source, variable.multi === true);
  if (variable.current === undefined) {
    delete variable.current;
  }
  return byType(variable, source, context);
}

function byType(variable: Json, source: Json, context: Context): Json {
  switch (variable.type) {
    case 'query':
      variable.query = isObject(source.query) ? source.query : (str(source.query) ?? '');
      variable.regex = str(source.regex) ?? '';
      variable.refresh = refreshOf(source, context);
      // Options from an earlier query are outdated.
      variable.options = variable.refresh === 0 ? (variable.options ?? []) : [];
      break;
    case 'constant': {
      const value = str(source.query) ?? str((variable.current as Json | undefined)?.value) ?? '';
      Object.assign(variable, { query: value, current: { selected: true, text: value, value } });
      if (context.version < 27 && variable.hide !== 2) {
        variable.type = 'textbox';
        variable.options = [{ selected: true, text: value, value }];
      } else {
        variable.hide = 2;
      }
      break;
    }
    case 'custom':
    case 'interval': {
      const values = objs(variable.options)
        .map((o) => str(o.value))
        .filter((v) => v !== undefined && v !== '$__all' && !v.startsWith('$__auto'));
      variable.query = text(source.query) ?? values.map((v) => v!.replace(/,/g, '\\,')).join(',');
      break;
    }
    case 'datasource':
      variable.query = str(source.query) ?? '';
      variable.regex = str(source.regex) ?? '';
      break;
    case 'textbox':
      variable.query = str(source.query) ?? '';
      break;
    case 'adhoc':
      variable.filters = objs(source.filters).filter((filter) => text(filter.key) !== undefined);
      delete variable.query;
  }
  return variable;
}

function hideOf(source: Json): number {
  const hide = num(source.hide);
  if (hide !== undefined) {
    return Math.min(3, Math.max(0, Math.trunc(hide)));
  }
  return source.hideVariable === true ? 2 : source.hideLabel === true ? 1 : 0;
}

/** 0 never, 1 on load, 2 when the time range changes. Since version 29, queries are always refreshed. */
function refreshOf(source: Json, context: Context): number {
  const refresh = source.refresh === true || source.refresh_on_load === true ? 1 : num(source.refresh);
  if (refresh === 1 || refresh === 2) {
    return refresh;
  }
  return context.version < 29 ? 1 : 0;
}

function option(source: Json): Json[] {
  const value = Array.isArray(source.value) ? strs(source.value) : str(source.value);
  if (value === undefined) {
    return [];
  }
  const label = Array.isArray(source.text) ? strs(source.text) : str(source.text);
  return [compact({ ...source, selected: bool(source.selected), text: label ?? value, value })];
}

/** The selected value: a list for multi-value variables, a single value for others. */
function current(source: Json, multi: boolean): Json | undefined {
  if (!isObject(source.current)) {
    return undefined;
  }
  const [chosen] = option(without(source.current, ['tags']));
  if (chosen === undefined) {
    return undefined;
  }
  if (multi) {
    const list = (value: unknown) => (Array.isArray(value) ? value : [value]);
    return { ...chosen, text: list(chosen.text), value: list(chosen.value) };
  }
  const one = (value: unknown): unknown => (Array.isArray(value) ? (value[0] ?? '') : value);
  return { ...chosen, text: one(chosen.text), value: one(chosen.value) };
}
