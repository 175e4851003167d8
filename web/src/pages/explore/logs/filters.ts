import { addLabelFilters } from '../../../datasources/loki/filters';
import { hasParser, matchersIn, selectorsOf } from '../../../datasources/loki/selectors';

export interface LineFilter {
  name: string;
  value: string;
  operator: '=' | '!=';
  /** True for a stream label, which belongs in the selector. */
  stream: boolean;
  /** The parser that extracts the field, if one is needed. */
  parser?: string;
}

/** Adds a filter to a LogQL expression unless it is already present. */
export function addFilter(expr: string, { name, value, operator, stream, parser }: LineFilter): string {
  if (stream) {
    const isThere = matchersIn(expr).some((m) => m.name === name && m.operator === operator && m.value === `"${value}"`);
    return isThere ? expr : addLabelFilters(expr, [{ key: name, operator, value }]);
  }
  const condition = ` | ${name.replace(/[^\w]/g, '_')}${operator}${quoteLogql(value)}`;
  return `${expr}${parser && !hasParser(expr) ? ` | ${parser}` : ''}${expr.includes(condition) ? '' : condition}`;
}

/** Quotes a string for LogQL; uses backquotes if double quotes would need many escapes. */
export function quoteLogql(text: string): string {
  return /["\\]/.test(text) && !/[`\n]/.test(text) ? `\`${text}\`` : `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/** Keeps only the lines that match a pattern, or all others. */
export function addPattern(expr: string, pattern: string, only: boolean): string {
  return `${expr} ${only ? '|>' : '!>'} ${quoteLogql(pattern)}`;
}

/** Only the selector: patterns exist for streams only. */
export function selectorIn(expr: string): string {
  const [first] = selectorsOf(expr);
  return first ? expr.slice(first.from, first.to) : '{}';
}
