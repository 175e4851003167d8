import type { DataSourceInstanceSettings } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';

export type Language = 'promql' | 'logql';

const types: Record<Language, string> = { promql: 'prometheus', logql: 'loki' };

/** The data sources that expressions can be asked of. */
export function sources(): DataSourceInstanceSettings[] {
  return getDataSourceSrv().getList({ type: Object.values(types) });
}

/** The Prometheus or Loki that is inside, or the default one where somebody has taken its place; undefined when there is none. */
export function builtIn(language: Language): string | undefined {
  const type = types[language];
  const all = sources().filter((s) => s.type === type);
  return (all.find((s) => s.uid === type) ?? all.find((s) => s.isDefault) ?? all[0])?.uid;
}

/** The uid of what an address names as its source: a uid or a name, nothing for the Prometheus and "loki" for the Loki that is inside. */
export function uidOf(source = ''): string | undefined {
  return (
    sources().find((s) => s.uid === source || s.name === source)?.uid ??
    (source === '' ? builtIn('promql') : source === types.logql ? builtIn('logql') : undefined)
  );
}

/** How addresses name a data source: those that are inside by no name and by "loki", so that links hold where they have other uids. */
export function nameOf(uid: string): string {
  return uid === builtIn('promql') ? '' : uid === builtIn('logql') ? types.logql : uid;
}

export function languageOf(source = ''): Language {
  const uid = uidOf(source);
  return source === types.logql || sources().find((s) => s.uid === uid)?.type === types.logql ? 'logql' : 'promql';
}
