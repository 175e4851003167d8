import type { AdHocVariableFilter } from '@grafana/data';
import { parser } from '@prometheus-io/lezer-promql';

import { escapeString } from './escape';

/** Adds a matcher for every filter to each selector of a PromQL expression. */
export function addFilters(expr: string, filters: AdHocVariableFilter[]): string {
  const matchers = filters.filter((f) => f.key !== '' && f.operator !== '').flatMap(matcherOf);
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

function matcherOf(filter: AdHocVariableFilter): string[] {
  const key = /^[A-Za-z_][A-Za-z0-9_]*$/.test(filter.key) ? filter.key : `"${escapeString(filter.key)}"`;
  switch (filter.operator) {
    case '=|':
    case '!=|': {
      const values = filter.values?.length ? filter.values : [filter.value];
      return [`${key}${filter.operator === '=|' ? '=~' : '!~'}"${escapeString(values.map(quoteMeta).join('|'))}"`];
    }
    case '=':
    case '!=':
    case '=~':
    case '!~':
      return [`${key}${filter.operator}"${escapeString(filter.value)}"`];
    case '<':
    case '>':
      throw new Error(`label ${filter.key}: PromQL cannot compare labels with ${filter.operator}`);
    default:
      return [];
  }
}

function quoteMeta(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
