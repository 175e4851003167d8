import type { AdHocVariableFilter } from '@grafana/data';
import { parser } from '@prometheus-io/lezer-promql';

import { matchersOf } from '../adhocMatchers';

/** Adds a matcher for each filter to every selector of a PromQL expression. */
export function addFilters(expr: string, filters: AdHocVariableFilter[]): string {
  const matchers = matchersOf(filters);
  if (matchers.length === 0) {
    return expr;
  }
  const added = matchers.join(', ');
  const edits: Array<{ at: number; text: string }> = [];
  parser.parse(expr).iterate({
    enter(node) {
      if (node.name !== 'VectorSelector') {
        return;
      }
      const matching = node.node.getChild('LabelMatchers');
      if (!matching) {
        edits.push({ at: node.to, text: `{${added}}` });
        return;
      }
      const inside = expr.slice(matching.from + 1, matching.to - 1).trim();
      const text = inside === '' ? added : inside.endsWith(',') ? ` ${added}` : `, ${added}`;
      edits.push({ at: matching.to - 1, text });
    },
  });
  return edits.sort((a, b) => b.at - a.at).reduce((text, edit) => text.slice(0, edit.at) + edit.text + text.slice(edit.at), expr);
}
