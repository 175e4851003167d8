import { num, obj, objs, str, strs, text, type Json } from './json';
import { reducers } from './context';
import { own } from '../../boot/own';

/** The old table sorted by column number, the current one sorts by column name; undefined if the name depends on the data. */
export function tableSort(panel: Json, styles: Json[]): Json[] | undefined {
  const sort = obj(panel.sort);
  const col = num(sort.col);
  const name = col === undefined ? undefined : columnNames(panel)[col];
  return name === undefined ? undefined : [{ displayName: alias(name, styles), desc: sort.desc === true }];
}

/** The column names from left to right, as far as they are known without data. */
function columnNames(panel: Json): Array<string | undefined> {
  const columns = objs(panel.columns);
  const targets = objs(panel.targets).filter((target) => target.hide !== true);
  switch (panel.transform) {
    case 'timeseries_aggregations':
      return ['Field', ...columns.map((column) => own(reducers, String(column.value))?.name)];
    case 'timeseries_to_rows':
      return ['Time', 'Metric', 'Value'];
    case 'timeseries_to_columns':
      return ['Time', ...targets.map(legend)];
    case 'json':
      return columns.map((column) => text(column.text) ?? text(column.value));
    default:
      return ['Time', ...tableColumns(targets)];
  }
}

/** The series of a query if its name has no labels, so that there is only one. */
function legend(target: Json): string | undefined {
  const format = text(target.legendFormat);
  return format === undefined || /\{\{|\$/.test(format) ? undefined : format;
}

/** Label and value columns of tables, if the queries determine the remaining labels. */
function tableColumns(targets: Json[]): Array<string | undefined> {
  const groups = targets.map((target) => labelsOf(str(target.expr) ?? ''));
  if (groups.length === 0 || groups.some((labels) => labels === undefined)) {
    return [];
  }
  const labels = [...new Set(groups.flatMap((group) => group ?? []))].sort();
  return [...labels, ...(targets.length === 1 ? ['Value'] : targets.map((target) => `Value #${strs(target.refId)[0] ?? ''}`))];
}

const aggregations = 'sum|min|max|avg|count|group|stddev|stdvar';

/** The labels that an expression is grouped by, if its outermost operation is an aggregation by labels. */
function labelsOf(expr: string): string[] | undefined {
  const before = new RegExp(`^\\s*(?:${aggregations})\\s+by\\s*\\(([\\w\\s,]*)\\)\\s*\\(`, 'i').exec(expr);
  const after = new RegExp(`^\\s*(?:${aggregations})\\s*\\(`, 'i').exec(expr);
  const open = before ?? after;
  if (!open) {
    return undefined;
  }
  const rest = expr.slice(closing(expr, open[0].length));
  const list = before ? (rest.trim() === '' ? before[1] : undefined) : rest.trim() === '' ? '' : /^\s*by\s*\(([\w\s,]*)\)\s*$/i.exec(rest)?.[1];
  return list
    ?.split(',')
    .map((label) => label.trim())
    .filter((label) => label !== '');
}

/** The position after the parenthesis that closes the one before `from`; parentheses in strings are ignored. */
function closing(expr: string, from: number): number {
  let depth = 1;
  for (const match of expr.slice(from).matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[()]/g)) {
    depth += match[0] === '(' ? 1 : match[0] === ')' ? -1 : 0;
    if (depth === 0) {
      return from + match.index + 1;
    }
  }
  return expr.length;
}

/** The column name defined by a style. */
function alias(name: string, styles: Json[]): string {
  const style = styles.find((s) => {
    const pattern = String(s.pattern);
    const regex = /^\/(.*)\/([a-z]*)$/.exec(pattern);
    return regex ? matches(regex[1]!, regex[2]!, name) : pattern === name;
  });
  return text(style?.alias) ?? name;
}

function matches(pattern: string, flags: string, name: string): boolean {
  try {
    return new RegExp(pattern, flags).test(name);
  } catch {
    return false;
  }
}
