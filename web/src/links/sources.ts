import type { DataSourceInstanceSettings } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';

export type Language = 'promql' | 'logql';

const types: Record<Language, string> = { promql: 'prometheus', logql: 'loki' };

/** The data sources that can evaluate expressions. */
export function sources(): DataSourceInstanceSettings[] {
  return getDataSourceSrv().getList({ type: Object.values(types) });
}

/** The built-in Prometheus or Loki, or the default one if it was replaced; undefined if there is none. */
export function builtIn(language: Language): string | undefined {
  const type = types[language];
  const all = sources().filter((s) => s.type === type);
  return (all.find((s) => s.uid === type) ?? all.find((s) => s.isDefault) ?? all[0])?.uid;
}

/** The name in URLs of the default data source, where a new query starts; empty for the built-in Prometheus, or if the default cannot evaluate expressions. */
export function nameOfDefault(): string {
  const uid = sources().find((s) => s.isDefault)?.uid;
  return uid ? nameOf(uid) : '';
}

/** The uid of the source in a URL: a uid or a name, empty for the built-in Prometheus or "loki" for the built-in Loki. */
export function uidOf(source = ''): string | undefined {
  return (
    sources().find((s) => s.uid === source || s.name === source)?.uid ??
    (source === '' ? builtIn('promql') : source === types.logql ? builtIn('logql') : undefined)
  );
}

/** The name of a data source in URLs: empty or "loki" for the built-in ones, so that links work where these have other uids. */
export function nameOf(uid: string): string {
  return uid === builtIn('promql') ? '' : uid === builtIn('logql') ? types.logql : uid;
}

export function languageOf(source = ''): Language {
  const uid = uidOf(source);
  return source === types.logql || sources().find((s) => s.uid === uid)?.type === types.logql ? 'logql' : 'promql';
}
