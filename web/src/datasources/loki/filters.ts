import type { AdHocVariableFilter } from '@grafana/data';

import { matchersOf } from '../adhocMatchers';
import { selectorsOf } from './selectors';

/** Adds a matcher for each filter to every stream selector of a LogQL expression. */
export function addLabelFilters(expr: string, filters: AdHocVariableFilter[]): string {
  const matchers = matchersOf(filters);
  if (matchers.length === 0) {
    return expr;
  }
  return selectorsOf(expr)
    .reverse()
    .reduce((text, { from, to }) => {
      const inside = text.slice(from + 1, to - 1).trim();
      return `${text.slice(0, to - 1)}${inside === '' || inside.endsWith(',') ? '' : ', '}${matchers.join(', ')}${text.slice(to - 1)}`;
    }, expr);
}
