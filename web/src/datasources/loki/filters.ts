import type { AdHocVariableFilter } from '@grafana/data';

import { matchersOf } from '../adhocMatchers';

/** Adds a matcher for every filter to each stream selector of a LogQL expression. */
export function addLabelFilters(expr: string, filters: AdHocVariableFilter[]): string {
  const matchers = matchersOf(filters);
  if (matchers.length === 0) {
    return expr;
  }
  return selectors(expr).reverse().reduce((text, end) => {
    const inside = text.slice(text.lastIndexOf('{', end) + 1, end).trim();
    return `${text.slice(0, end)}${inside === '' || inside.endsWith(',') ? '' : ', '}${matchers.join(', ')}${text.slice(end)}`;
  }, expr);
}

/** Positions of the closing braces of all stream selectors: braces outside of strings. */
function selectors(expr: string): number[] {
  const ends: number[] = [];
  let quote = '';
  for (let i = 0; i < expr.length; i++) {
    const c = expr[i]!;
    if (quote !== '') {
      if (c === '\\' && quote !== '`') {
        i++;
      } else if (c === quote) {
        quote = '';
      }
    } else if (c === '"' || c === '`' || c === "'") {
      quote = c;
    } else if (c === '}') {
      ends.push(i);
    }
  }
  return ends;
}
