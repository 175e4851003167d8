import { answersWithLines } from '../../datasources/loki/selectors';
import type { Language } from '../../links/sources';

/** Where a data source is asked through our server. */
export function proxyOf(uid: string): string {
  return `/api/datasources/proxy/uid/${encodeURIComponent(uid)}`;
}

export function isLines(language: Language, expr: string): boolean {
  return language === 'logql' && answersWithLines(expr);
}

/** An expression of a dashboard with values for the variables that depend on its width. */
export function filledIn(expr: string): string {
  return expr
    .replace(/\$(?:__rate_interval|\{__rate_interval\})/g, '1m')
    .replace(/\$(?:__interval|\{__interval\})/g, '1m')
    .replace(/\$(?:__range|\{__range\})/g, '1h');
}
