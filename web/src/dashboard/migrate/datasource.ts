import { isObject, text, type Json } from './json';

/** Grafana's built-in data sources, by their names in old dashboards. */
const builtIn: Record<string, Json> = {
  '-- Mixed --': { type: 'datasource', uid: '-- Mixed --' },
  '-- Grafana --': { type: 'grafana', uid: '-- Grafana --' },
  grafana: { type: 'grafana', uid: '-- Grafana --' },
  '-- Dashboard --': { type: 'datasource', uid: '-- Dashboard --' },
};

/**
 * Converts what a dashboard specifies as the data source to a reference. Names are kept in `uid`, which is looked up as
 * a uid first and then as a name; variables are kept. Undefined means the default data source.
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
