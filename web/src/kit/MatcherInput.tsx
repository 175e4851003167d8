import { Field, FilterInput } from '@grafana/ui';
import { useSearchParams } from 'react-router-dom';

import { type Labels } from '../api/alerting';
import { formatMatchers, matchesAll, parseMatchers, wordsOf, type Matcher } from '../links/matchers';

export interface UrlFilter {
  text: string;
  /** Whether the filter matches something with these labels and texts, either by labels or by words that occur in it. */
  shows: (labels: Labels, texts?: Array<string | undefined>) => boolean;
  /** Why the text is invalid; nothing is filtered then. */
  problem?: string;
  set: (text: string) => void;
  /** Adds a label to the filter. */
  pick: (name: string, value: string) => void;
}

/** A page's filter by labels or words, stored in the URL as filter={…}. */
export function useFilter(): UrlFilter {
  const [params, setParams] = useUrlParams();
  const text = params.get('filter') ?? '';
  let matchers: Matcher[] = [];
  let problem: string | undefined;
  const words = wordsOf(text);
  if (words === undefined) {
    try {
      matchers = parseMatchers(text);
    } catch (err) {
      problem = (err as Error).message;
    }
  }
  const shows: UrlFilter['shows'] = (labels, texts = []) => {
    const all = [...Object.entries(labels).map((label) => label.join('=')), ...texts].join('\n').toLowerCase();
    return matchesAll(matchers, labels) && (words ?? []).every((word) => all.includes(word));
  };
  const set = (next: string) => setParams({ filter: next });
  return {
    text,
    shows,
    problem,
    set,
    pick: (name, value) => set(formatMatchers([...matchers.filter((m) => m.name !== name), { name, operator: '=', value }])),
  };
}

/** The query parameters of the URL, and a function that changes some of them; an empty value removes a parameter. */
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
      <FilterInput
        aria-label="Filter by words or labels"
        placeholder='Words, or labels such as {severity="critical", job=~"a|b"}'
        value={filter.text}
        onChange={filter.set}
        escapeRegex={false}
        width={0}
      />
    </Field>
  );
}
