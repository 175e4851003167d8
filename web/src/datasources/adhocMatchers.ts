import type { AdHocVariableFilter } from '@grafana/data';

import { escapeString } from './prometheus/escape';

const comparisons: Record<string, (order: number) => boolean> = { '<': (o) => o < 0, '<=': (o) => o <= 0, '>': (o) => o > 0, '>=': (o) => o >= 0 };

/**
 * Converts filters to label matchers for a selector. An unknown operator is an error: without its filter, the query
 * would return wrong data.
 */
export function matchersOf(filters: AdHocVariableFilter[]): string[] {
  return filters.filter((f) => f.key !== '' && f.operator !== '').flatMap(matcherOf);
}

function matcherOf(filter: AdHocVariableFilter): string[] {
  const key = /^[A-Za-z_][A-Za-z0-9_]*$/.test(filter.key) ? filter.key : `"${escapeString(filter.key)}"`;
  const values = filter.values?.length ? filter.values : [filter.value];
  switch (filter.operator) {
    case '=|':
      return [`${key}=~"${escapeString(values.map(quoteMeta).join('|'))}"`];
    case '!=|':
      return [`${key}!~"${escapeString(values.map(quoteMeta).join('|'))}"`];
    case '=':
    case '!=':
    case '=~':
    case '!~':
      return [`${key}${filter.operator}"${escapeString(filter.value)}"`];
    case 'none of all':
      return [`${key}=""`, `${key}!=""`];
    default:
      throw new Error(`filter on the label ${filter.key}: the operator ${filter.operator} is not known`);
  }
}

/** Selectors have no comparisons: filters with < and > are replaced by the label values that satisfy them. */
export async function withoutComparisons(filters: AdHocVariableFilter[], valuesOf: (label: string) => Promise<string[]>): Promise<AdHocVariableFilter[]> {
  return Promise.all(
    filters.map(async (filter) => {
      const holds = comparisons[filter.operator];
      if (!holds || filter.key === '') {
        return filter;
      }
      const values = (await valuesOf(filter.key)).filter((value) => holds(order(value, filter.value)));
      return values.length > 0 ? { ...filter, operator: '=|', values } : { ...filter, operator: 'none of all' };
    })
  );
}

/** Compares numbers by value and everything else as text; a number and a text are not comparable. */
function order(a: string, b: string): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) {
    return NaN;
  }
  return Number.isNaN(x) ? (a < b ? -1 : Number(a > b)) : x - y;
}

/** Bucket bounds spell infinity as Prometheus does. */
function numberOf(text: string): number {
  return Number(text.replace(/^([+-]?)Inf$/, '$1Infinity'));
}

function quoteMeta(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
