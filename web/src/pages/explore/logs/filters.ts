import { addLabelFilters } from '../../../datasources/loki/filters';
import { hasParser, matchersIn, selectorsOf } from '../../../datasources/loki/selectors';

export interface LineFilter {
  name: string;
  value: string;
  operator: '=' | '!=';
  /** True for a label of the stream, which belongs into the selector. */
  stream: boolean;
  /** The parser that finds a field, when one has to. */
  parser?: string;
}

/** Adds a filter to a LogQL expression; one that is there already is not added again. */
export function addFilter(expr: string, { name, value, operator, stream, parser }: LineFilter): string {
  if (stream) {
    const isThere = matchersIn(expr).some((m) => m.name === name && m.operator === operator && m.value === `"${value}"`);
    return isThere ? expr : addLabelFilters(expr, [{ key: name, operator, value }]);
  }
  const condition = ` | ${name.replace(/[^\w]/g, '_')}${operator}${quoteLogql(value)}`;
  return `${expr}${parser && !hasParser(expr) ? ` | ${parser}` : ''}${expr.includes(condition) ? '' : condition}`;
}

/** A text as LogQL reads it; backquotes where quotes would need many escapes. */
export function quoteLogql(text: string): string {
  return /["\\]/.test(text) && !/[`\n]/.test(text) ? `\`${text}\`` : `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/** Only the lines that look like a pattern, or all others. */
export function addPattern(expr: string, pattern: string, only: boolean): string {
  return `${expr} ${only ? '|>' : '!>'} ${quoteLogql(pattern)}`;
}

/** The selector alone: patterns are known for streams only. */
export function selectorIn(expr: string): string {
  const [first] = selectorsOf(expr);
  return first ? expr.slice(first.from, first.to) : '{}';
}
