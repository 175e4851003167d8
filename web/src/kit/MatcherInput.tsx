import { Field, FilterInput } from '@grafana/ui';
import { useSearchParams } from 'react-router-dom';

import { formatMatchers, parseMatchers, type Matcher } from '../links/matchers';

export interface UrlFilter {
  text: string;
  matchers: Matcher[];
  /** Why the text cannot be used; matchers is empty then. */
  problem?: string;
  set: (text: string) => void;
  /** Adds a label to the filter. */
  pick: (name: string, value: string) => void;
}

/** The label filter of a page, which is in its address as filter={…}. */
export function useFilter(): UrlFilter {
  const [params, setParams] = useUrlParams();
  const text = params.get('filter') ?? '';
  let matchers: Matcher[] = [];
  let problem: string | undefined;
  try {
    matchers = parseMatchers(text);
  } catch (err) {
    problem = (err as Error).message;
  }
  const set = (next: string) => setParams({ filter: next });
  return { text, matchers, problem, set, pick: (name, value) => set(formatMatchers([...matchers.filter((m) => m.name !== name), { name, operator: '=', value }])) };
}

/** The query of the address, and a function that changes some of it; an empty value leaves its name out. */
export function useUrlParams(): [URLSearchParams, (change: Record<string, string | undefined>) => void] {
  const [params, setParams] = useSearchParams();
  return [
    params,
    (change) => {
      const next = new URLSearchParams(params);
      Object.entries(change).forEach(([name, value]) => (value ? next.set(name, value) : next.delete(name)));
      setParams(next, { replace: true });
    },
  ];
}

export function MatcherInput({ filter }: { filter: UrlFilter }) {
  return (
    <Field noMargin invalid={filter.problem !== undefined} error={filter.problem}>
      <FilterInput aria-label="Filter by labels" placeholder='Labels, such as {severity="critical", job=~"a|b"}' value={filter.text} onChange={filter.set} escapeRegex={false} width={0} />
    </Field>
  );
}
