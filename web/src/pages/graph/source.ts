import { getDataSourceSrv } from '@grafana/runtime';

export type Language = 'promql' | 'logql';

const types: Record<Language, string> = { promql: 'prometheus', logql: 'loki' };

/** The Prometheus or Loki that is inside, or the default one where somebody has taken its place; undefined when there is none. */
export function builtIn(language: Language): string | undefined {
  const type = types[language];
  const sources = getDataSourceSrv().getList({ type });
  return (sources.find((s) => s.uid === type) ?? sources.find((s) => s.isDefault) ?? sources[0])?.uid;
}

/** Where a data source is asked through our server. */
export function proxyOf(uid: string): string {
  return `/api/datasources/proxy/uid/${encodeURIComponent(uid)}`;
}
