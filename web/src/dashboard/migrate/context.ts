import type { Json } from './json';

/** What the parts of one migration share. */
export interface Context {
  /** schemaVersion of the input; 0 when it has none. */
  version: number;
  /** What a person should know about what could not be carried over. */
  notices: string[];
  /** Annotation queries that panels turn into (time regions of old graphs). */
  annotations: Json[];
  /** Library panels that the file itself carries (`__elements`), by uid. */
  elements: Map<string, Json>;
}

/** The name of a panel in a notice. */
export function panelName(panel: Json): string {
  const title = typeof panel.title === 'string' && panel.title.trim() !== '' ? panel.title : undefined;
  return title === undefined ? `Panel ${String(panel.id ?? 'without title')}` : `Panel "${title}"`;
}

/** One override rule: the fields that it is for, and what they get. */
export interface Override {
  matcher: { id: string; options?: unknown };
  properties: Array<{ id: string; value?: unknown }>;
}

/** A field matcher for an alias of old panels: `/regex/` or a name. */
export function aliasMatcher(alias: string): Override['matcher'] {
  return { id: alias.startsWith('/') ? 'byRegexp' : 'byName', options: alias };
}

/** The reducer that an old panel names, and what the legend calls it. */
export const reducers: Record<string, { id: string; name: string }> = {
  current: { id: 'lastNotNull', name: 'Last *' },
  last: { id: 'lastNotNull', name: 'Last *' },
  first: { id: 'firstNotNull', name: 'First *' },
  avg: { id: 'mean', name: 'Mean' },
  mean: { id: 'mean', name: 'Mean' },
  min: { id: 'min', name: 'Min' },
  max: { id: 'max', name: 'Max' },
  total: { id: 'sum', name: 'Total' },
  sum: { id: 'sum', name: 'Total' },
  count: { id: 'count', name: 'Count' },
  delta: { id: 'delta', name: 'Delta' },
  diff: { id: 'diff', name: 'Difference' },
  range: { id: 'range', name: 'Range' },
};
