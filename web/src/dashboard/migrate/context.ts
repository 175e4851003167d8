import type { Json } from './json';

/** State shared by the steps of one migration. */
export interface Context {
  /** schemaVersion of the input; 0 if it has none. */
  version: number;
  /** What the user should know about parts that could not be migrated. */
  notices: string[];
  /** Annotation queries created from panels (time regions of old graphs). */
  annotations: Json[];
  /** Library panels contained in the file (`__elements`), by uid. */
  elements: Map<string, Json>;
}

/** The name of a panel in notices. */
export function panelName(panel: Json): string {
  const title = typeof panel.title === 'string' && panel.title.trim() !== '' ? panel.title : undefined;
  return title === undefined ? `Panel ${String(panel.id ?? 'without title')}` : `Panel "${title}"`;
}

/** An override rule: the fields it applies to and their properties. */
export interface Override {
  matcher: { id: string; options?: unknown };
  properties: Array<{ id: string; value?: unknown }>;
}

/** A field matcher for an alias in old panels: `/regex/` or a name. */
export function aliasMatcher(alias: string): Override['matcher'] {
  return { id: alias.startsWith('/') ? 'byRegexp' : 'byName', options: alias };
}

/** Reducers by their names in old panels, with their names in the legend. */
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
