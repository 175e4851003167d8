import { parser } from '@grafana/lezer-logql';

/** A part of a LogQL expression, from its first character to the one after its last. */
export interface Part {
  from: number;
  to: number;
}

function partsOf(expr: string, ...names: string[]): Part[] {
  const parts: Part[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, from, to }) => {
      if (names.includes(name)) {
        parts.push({ from, to });
      }
    },
  });
  return parts;
}

/** The stream selectors of an expression in order, excluding an unclosed one. */
export function selectorsOf(expr: string): Part[] {
  return partsOf(expr, 'Selector').filter(({ to }) => expr[to - 1] === '}');
}

export interface SelectorMatcher {
  name: string;
  operator: string;
  /** Including its quotes. */
  value: string;
}

/** The matchers of all stream selectors of an expression. */
export function matchersIn(expr: string): SelectorMatcher[] {
  const selectors = partsOf(expr, 'Selector');
  const matchers = partsOf(expr, 'Matcher').filter((m) => selectors.some((s) => s.from <= m.from && m.to <= s.to));
  return matchers.flatMap(({ from, to }) => {
    const [, name, operator, value] = /^(\S+?)\s*(=~|!~|!=|=)\s*(.*)$/s.exec(expr.slice(from, to)) ?? [];
    return name && operator && value ? [{ name, operator, value }] : [];
  });
}

/** Whether an expression contains a parser that extracts fields from the lines. */
export function hasParser(expr: string): boolean {
  return partsOf(expr, 'LabelParser', 'LogfmtParser', 'LogfmtExpressionParser', 'JsonExpressionParser').length > 0;
}

/** Whether an expression returns lines rather than numbers. */
export function answersWithLines(expr: string): boolean {
  return Boolean(parser.parse(expr).topNode.getChild('Expr')?.getChild('LogExpr'));
}
