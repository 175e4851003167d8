import { isObject, text, type Json } from './json';

/** Datasources that Grafana itself is, by the name that old dashboards use. */
const builtIn: Record<string, Json> = {
  '-- Mixed --': { type: 'datasource', uid: '-- Mixed --' },
  '-- Grafana --': { type: 'grafana', uid: '-- Grafana --' },
  grafana: { type: 'grafana', uid: '-- Grafana --' },
  '-- Dashboard --': { type: 'datasource', uid: '-- Dashboard --' },
};

/**
 * A reference for what a dashboard names as datasource. Names stay names, in `uid`, which is looked up as uid and then as
 * name; variables stay variables. Undefined is the default datasource.
 */
export function datasourceRef(value: unknown): Json | undefined {
  if (isObject(value)) {
    const uid = text(value.uid) ?? text(value.name);
    const type = text(value.type);
    if (uid !== undefined && Object.hasOwn(builtIn, uid)) {
      return builtIn[uid];
    }
    if (uid === undefined && type === undefined) {
      return undefined;
    }
    return { ...value, ...(type === undefined ? {} : { type }), ...(uid === undefined ? {} : { uid }) };
  }
  const name = text(value);
  if (name === undefined || name === 'default') {
    return undefined;
  }
  return Object.hasOwn(builtIn, name) ? builtIn[name] : { uid: name };
}

export const mixedRef = builtIn['-- Mixed --'];
