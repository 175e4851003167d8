import type { Labels } from '@grafana/data';

import { formatMatchers, type Matcher } from './matchers';
import { paramsOf, type QueryState } from './explore';

/** Labels shared by metrics and logs of the same object (docs/logs.md), most specific first. */
export const shared = ['container', 'pod', 'instance', 'job', 'compose_service', 'service_name', 'namespace', 'compose_project', 'filename'];

/** With more values of a label than this, a selector would be unreadable. */
const mostValues = 20;

/** The selector for the logs of the objects that some series describe; undefined if their labels identify none. */
export function selectorOf(series: Labels[], names: readonly string[] = shared): string | undefined {
  for (const name of shared.filter((n) => names.includes(n))) {
    // cAdvisor's own name for the label.
    const values = [
      ...new Set(
        series
          .map((labels) => labels[name] ?? (name === 'container' && ('image' in labels || 'id' in labels) ? labels['name'] : undefined))
          .filter((v): v is string => Boolean(v))
      ),
    ];
    if (values.length > 0 && values.length <= mostValues) {
      return formatMatchers([matcherOf(name, values)]);
    }
  }
  return undefined;
}

function matcherOf(name: string, values: string[]): Matcher {
  return values.length === 1
    ? { name, operator: '=', value: values[0]! }
    : { name, operator: '=~', value: values.map((v) => v.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|') };
}

/** The page with the log lines of a selector for the time range of a query; `back` is the expression to return to. */
export function logsPath(selector: string, range: QueryState, back?: string): string {
  const { range_input = '1h', end_input = '' } = range;
  return `/explore?${paramsOf([{ expr: selector, tab: '0', source: 'loki', range_input, end_input, back: back ?? '' }]).toString()}`;
}

/**
 * The logs of the objects that an alert is about, from ten minutes before it started to five minutes after; undefined
 * if its labels identify none.
 */
export function logsOfAlert(labels: Labels, startsAt: string): string | undefined {
  const selector = selectorOf([labels]);
  const end = Math.min(Date.now(), Date.parse(startsAt) + 5 * 60_000);
  return selector && logsPath(selector, { range_input: '15m', end_input: new Date(end).toISOString().slice(0, 19).replace('T', ' ') });
}
