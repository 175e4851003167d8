import { parser } from '@prometheus-io/lezer-promql';

type SyntaxNode = ReturnType<typeof parser.parse>['topNode'];

/** A subexpression of a PromQL expression. */
export interface Part {
  text: string;
  /** What it does, in a word or two. */
  kind: string;
  parts: Part[];
}

const kinds: Record<string, string> = {
  VectorSelector: 'series',
  MatrixSelector: 'samples over time',
  SubqueryExpr: 'evaluated over time',
  AggregateExpr: 'aggregated',
  BinaryExpr: 'combined',
  FunctionCall: 'function',
  ParenExpr: 'in parentheses',
  UnaryExpr: 'sign',
  NumberDurationLiteral: 'number',
  StringLiteral: 'text',
  OffsetExpr: 'at an earlier time',
  StepInvariantExpr: 'at a fixed time',
};

/** The tree of an expression, or undefined if it cannot be parsed. Parentheses and similar nodes are skipped. */
export function partsOf(expr: string): Part | undefined {
  const tree = parser.parse(expr);
  let broken = false;
  tree.iterate({ enter: (node) => void (broken ||= node.type.isError) });
  return broken ? undefined : inside(tree.topNode, expr)[0];
}

function inside(node: SyntaxNode, expr: string): Part[] {
  const found: Part[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    const kind = kinds[child.name];
    if (kind === undefined) {
      found.push(...inside(child, expr));
    } else if (child.name === 'ParenExpr') {
      found.push(...inside(child, expr));
    } else if (child.name !== 'NumberDurationLiteral' && child.name !== 'StringLiteral') {
      // A selector inside a range or offset has the same series, and the outer expression is more informative.
      const whole = ['MatrixSelector', 'OffsetExpr', 'StepInvariantExpr', 'VectorSelector'].includes(child.name);
      found.push({
        text: expr.slice(child.from, child.to),
        kind,
        parts: whole && !/[()]/.test(expr.slice(child.from, child.to).replace(/"(?:[^"\\]|\\.)*"/g, '')) ? [] : inside(child, expr),
      });
    }
  }
  return found;
}

/** An expression that counts the series of a part. */
export function countOf({ text, kind }: Part): string {
  return kind === 'samples over time' || kind === 'evaluated over time' ? `count(last_over_time(${text}))` : `count(${text})`;
}
