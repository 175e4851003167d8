import { config } from '@grafana/runtime';

import type { Labels } from '../api/alerting';
import { formatMatchers, matchersOf } from './matchers';

/**
 * Returns an external URL if a browser may follow it, otherwise undefined. A URL of this server becomes a local one,
 * whatever host name it uses.
 */
export function safeLink(address: string | undefined): { href: string; ours: boolean } | undefined {
  if (!address) {
    return undefined;
  }
  const base = config.appUrl.replace(/\/$/, '');
  if (base && (address === base || address.startsWith(`${base}/`))) {
    return { href: address.slice(base.length) || '/', ours: true };
  }
  if (/^\/(?![/\\])/.test(address)) {
    return { href: address, ours: true };
  }
  try {
    const url = new URL(address);
    return url.protocol === 'http:' || url.protocol === 'https:' ? { href: url.href, ours: false } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The URL in a rule's annotation, which is a template: the prefix that leads to this server is known, but values that
 * depend on an alert are not available before it fires.
 */
export function ruleLink(template: string | undefined): string | undefined {
  const address = template?.replace(/^\{\{\s*\$?externalURL\s*\}\}/, '').replace(/\?.*\{\{.*$/s, '');
  return address?.includes('{{') ? undefined : address;
}

export function silenceLink(labels: Labels): string {
  return `/alerts/silences/new?filter=${encodeURIComponent(formatMatchers(matchersOf(labels)))}`;
}

export function graphPath(expr: string, language: 'promql' | 'logql' = 'promql'): string {
  return `/graph?g0.expr=${encodeURIComponent(expr)}&g0.tab=0&g0.range_input=1h${language === 'logql' ? '&g0.source=loki' : ''}`;
}

/** The path here for a link to a stock Alertmanager's page; undefined for other fragments. */
export function stockPath(hash: string): string | undefined {
  const [, page, rest = ''] = /^#\/(alerts|silences|status)((?:[/?].*)?)$/.exec(hash) ?? [];
  switch (page) {
    case 'alerts':
      return `/alerts${rest.startsWith('?') ? rest : ''}`;
    case 'silences': {
      return `/alerts/silences${rest.replace(/^\/([^/?]+)\/edit(?=$|\?)/, '/$1')}`;
    }
    case 'status':
      return '/status';
  }
  return undefined;
}
