import { getDataSourceSrv } from '@grafana/runtime';

/** The Prometheus that is inside, or the default one where somebody has taken its place. */
export function builtIn() {
  const sources = getDataSourceSrv().getList({ type: 'prometheus' });
  return sources.find((s) => s.uid === 'prometheus') ?? sources.find((s) => s.isDefault) ?? sources[0];
}

/** Where a data source is asked through our server. */
export function proxyOf(uid: string): string {
  return `/api/datasources/proxy/uid/${encodeURIComponent(uid)}`;
}
