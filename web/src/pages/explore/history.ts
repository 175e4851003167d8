import type { Language } from '../../links/sources';

/** A query that was run. */
export interface Past {
  expr: string;
  language: Language;
  /** Milliseconds since 1970. */
  time: number;
}

const key = 'ausguck.explore.history';
const most = 200;

/** The queries that this browser has run, newest first and without duplicates. */
export function pastQueries(): Past[] {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? '[]') as unknown;
    return Array.isArray(stored) ? stored.filter((p: Partial<Past> | null): p is Past => typeof p?.expr === 'string' && typeof p.time === 'number') : [];
  } catch {
    return [];
  }
}

export function remember(expr: string, language: Language) {
  const others = pastQueries().filter((p) => p.expr !== expr || p.language !== language);
  try {
    localStorage.setItem(key, JSON.stringify([{ expr, language, time: Date.now() }, ...others].slice(0, most)));
  } catch {
    // If the storage is full, the history remains unchanged.
  }
}

export function forgetAll() {
  localStorage.removeItem(key);
}
