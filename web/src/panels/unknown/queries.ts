import type { Panel } from '@grafana/schema';

/** Each query as one line of text: its expression if it has one, otherwise its JSON. */
export function queriesOf(panel: Panel | undefined): string[] {
  return (panel?.targets ?? []).map((target) => {
    const { refId, expr, query } = target as Record<string, unknown>;
    const text = [expr, query].find((value) => typeof value === 'string' && value !== '');
    return `${typeof refId === 'string' ? refId : '?'}: ${text === undefined ? JSON.stringify(target) : String(text)}`;
  });
}
