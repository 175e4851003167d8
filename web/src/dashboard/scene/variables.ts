import type { AdHocVariableFilter } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';
import type { DataSourceRef, VariableModel } from '@grafana/schema';
import {
  AdHocFiltersVariable,
  ConstantVariable,
  CustomVariable,
  DataSourceVariable,
  GroupByVariable,
  IntervalVariable,
  QueryVariable,
  SceneVariableSet,
  SwitchVariable,
  TextBoxVariable,
  type SceneVariable,
} from '@grafana/scenes';

import { refOf } from './datasourceRef';

/** A variable as stored in dashboards; older files have fields that are not in the schema. */
type Saved = VariableModel & {
  auto?: boolean;
  auto_min?: string;
  auto_count?: number;
  filters?: AdHocVariableFilter[];
  baseFilters?: AdHocVariableFilter[];
  defaultKeys?: Array<{ text: string }>;
  useTags?: boolean;
  definition?: string;
  datasource?: DataSourceRef | string | null;
};

/** The variables of a dashboard. Variables that depend on each other in a cycle keep their saved value. */
export function buildVariables(models: VariableModel[], notices: string[]): SceneVariableSet {
  const circular = inCircle(models);
  if (circular.length > 0) {
    notices.push(
      `The variables ${circular.join(', ')} need each other in a circle: they keep their saved values. Edit the dashboard's JSON to break the circle.`
    );
  }
  const variables: SceneVariable[] = [];
  for (const model of models) {
    const saved = model as Saved;
    const built = circular.includes(saved.name) ? fixed(saved) : build(saved);
    if (built) {
      variables.push(built);
    } else {
      notices.push(`Variable ${saved.name} has the unknown type ${saved.type}: it keeps its saved value.`);
      variables.push(fixed(saved));
    }
  }
  return new SceneVariableSet({ variables });
}

function build(v: Saved): SceneVariable | undefined {
  const common = { name: v.name, label: v.label || undefined, hide: Number(v.hide ?? 0), description: v.description, skipUrlSync: v.skipUrlSync };
  const current = { value: valueOf(v), text: textOf(v) };
  const many = {
    ...common,
    ...current,
    isMulti: Boolean(v.multi),
    includeAll: Boolean(v.includeAll),
    allValue: v.allValue || undefined,
    defaultToAll: Boolean(v.includeAll),
    allowCustomValue: v.allowCustomValue ?? true,
  };
  switch (v.type) {
    case 'query':
      return new QueryVariable({
        ...many,
        query: v.query as string,
        datasource: refOf(v.datasource) ?? null,
        sort: Number(v.sort ?? 0),
        refresh: Number(v.refresh ?? 1) || 1,
        regex: v.regex ?? '',
        definition: v.definition,
      });
    case 'custom':
      return new CustomVariable({ ...many, query: String(v.query ?? '') });
    case 'datasource':
      return new DataSourceVariable({
        ...many,
        ...(String(current.value) === '' && defaultSource(v)),
        pluginId: String(v.query ?? ''),
        regex: v.regex ?? '',
        defaultOptionEnabled: true,
      });
    case 'interval':
      return new IntervalVariable({
        ...common,
        value: intervalValue(v),
        intervals: String(v.query ?? '')
          .split(',')
          .map((i) => i.trim())
          .filter(Boolean),
        autoEnabled: Boolean(v.auto),
        autoStepCount: v.auto_count || 30,
        autoMinInterval: v.auto_min || '10s',
        refresh: Number(v.refresh ?? 2),
      });
    case 'textbox':
      return new TextBoxVariable({ ...common, value: String(first(current.value) || v.query || '') });
    case 'constant':
      return new ConstantVariable({ ...common, hide: Number(v.hide ?? 2), value: String(v.query ?? ''), skipUrlSync: true });
    case 'adhoc':
      return new AdHocFiltersVariable({
        ...common,
        datasource: refOf(v.datasource) ?? null,
        applyMode: 'auto',
        filters: v.filters ?? [],
        baseFilters: v.baseFilters ?? [],
        allowCustomValue: v.allowCustomValue ?? true,
        layout: 'combobox',
        supportsMultiValueOperators: true,
      });
    case 'groupby':
      return new GroupByVariable({ ...common, ...current, datasource: refOf(v.datasource) ?? undefined, applyMode: 'auto' });
    case 'switch':
      return new SwitchVariable({ ...common, value: String(first(current.value)), enabledValue: 'true', disabledValue: 'false' });
    default:
      return undefined;
  }
}

/** The value of a data source variable without one: the default source of its type, not the first by name. */
function defaultSource(v: Saved) {
  const source = getDataSourceSrv()?.getInstanceSettings({ type: String(v.query ?? '') });
  return source && { value: v.multi ? [source.uid] : source.uid, text: v.multi ? [source.name] : source.name };
}

function fixed(v: Saved): SceneVariable {
  return new ConstantVariable({ name: v.name, label: v.label || undefined, hide: Number(v.hide ?? 0), value: String(first(valueOf(v))), skipUrlSync: true });
}

function valueOf(v: Saved): string | string[] {
  const { value } = (v.current ?? {}) as { value?: string | string[] };
  if (Array.isArray(value)) {
    const all = value.includes('$__all') ? ['$__all'] : value.map(String);
    return v.multi ? all : (all[0] ?? '');
  }
  const one = value === undefined || value === null ? '' : String(value);
  return v.multi ? (one === '' ? [] : [one]) : one;
}

function textOf(v: Saved): string | string[] {
  const { text } = (v.current ?? {}) as { text?: string | string[] };
  const value = valueOf(v);
  if (Array.isArray(value)) {
    return Array.isArray(text) && text.length === value.length ? text.map(String) : value.map((one) => (one === '$__all' ? 'All' : one));
  }
  return text === undefined || Array.isArray(text) ? value : String(text);
}

function intervalValue(v: Saved): string {
  const value = String(first(valueOf(v)) || '');
  return value.startsWith('$__auto')
    ? '$__auto'
    : value ||
        String(v.query ?? '')
          .split(',')[0]
          ?.trim() ||
        '1m';
}

function first(value: string | string[]): string {
  return Array.isArray(value) ? (value[0] ?? '') : value;
}

/** Names of the variables whose queries depend on themselves. */
export function inCircle(models: VariableModel[]): string[] {
  const names = new Set(models.map((m) => m.name));
  const needs = new Map(models.map((m) => [m.name, referenced(m).filter((n) => names.has(n))]));
  const reaches = (from: string, goal: string, seen: Set<string>): boolean =>
    (needs.get(from) ?? []).some((next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next))));
  return [...names].filter((name) => reaches(name, name, new Set()));
}

function referenced(model: VariableModel): string[] {
  const { query, regex, datasource } = model as Saved;
  const text = JSON.stringify([query, regex, datasource]);
  return [...text.matchAll(/\$(\w+)|\$\{(\w+)(?:[.:][^}]*)?\}|\[\[(\w+)(?::\w+)?\]\]/g)].map((m) => (m[1] ?? m[2] ?? m[3])!);
}
