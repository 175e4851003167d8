import { answersWithLines } from '../../datasources/loki/selectors';
import type { Language } from '../../links/sources';

/** The proxy path of a data source on our server. */
export function proxyOf(uid: string): string {
  return `/api/datasources/proxy/uid/${encodeURIComponent(uid)}`;
}

export function isLines(language: Language, expr: string): boolean {
  return language === 'logql' && answersWithLines(expr);
}

/** A dashboard's expression with values for the variables that depend on its width. */
export function filledIn(expr: string): string {
  return expr
    .replace(/\$(?:__rate_interval|\{__rate_interval\})/g, '1m')
    .replace(/\$(?:__interval|\{__interval\})/g, '1m')
    .replace(/\$(?:__range|\{__range\})/g, '1h');
}
