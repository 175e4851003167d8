import { check, isObject, num, obj, objs, str, strs, text, type Json } from './json';
import { datasourceRef } from './datasource';

const builtIn = {
  builtIn: 1,
  datasource: { type: 'grafana', uid: '-- Grafana --' },
  enable: true,
  hide: true,
  iconColor: 'rgba(0, 211, 255, 1)',
  name: 'Annotations & Alerts',
  type: 'dashboard',
};

/** Migrates `annotations.list` and adds the query for stored annotations that every dashboard has. */
export function migrateAnnotations(value: unknown, more: Json[]): Json[] {
  const list = objs(obj(value).list).map(migrateAnnotation);
  const hasBuiltIn = list.some((annotation) => annotation.builtIn === 1);
  return [...(hasBuiltIn ? [] : [{ ...builtIn }]), ...list, ...more];
}

function migrateAnnotation(source: Json): Json {
  const annotation: Json = { ...source };
  annotation.name = str(source.name) ?? '';
  annotation.enable = source.enable !== false;
  annotation.iconColor = text(source.iconColor) ?? 'red';
  check(annotation, 'hide', (hide) => hide === true);
  check(annotation, 'builtIn', num);
  for (const key of ['expr', 'titleFormat', 'textFormat', 'tagKeys', 'step']) {
    check(annotation, key, str);
  }
  check(annotation, 'filter', (filter) =>
    isObject(filter)
      ? { exclude: filter.exclude === true, ids: (Array.isArray(filter.ids) ? filter.ids : []).map(num).filter((id) => id !== undefined) }
      : undefined
  );
  const ref = annotation.builtIn === 1 ? builtIn.datasource : datasourceRef(source.datasource);
  delete annotation.datasource;
  if (ref !== undefined) {
    annotation.datasource = ref;
  }
  if (ref?.uid === builtIn.datasource.uid && !isObject(source.target) && annotation.builtIn !== 1) {
    const type = source.type === 'tags' || strs(source.tags).length > 0 ? 'tags' : 'dashboard';
    annotation.target = { limit: num(source.limit) ?? 100, matchAny: source.matchAny === true, tags: strs(source.tags), type };
  }
  check(annotation, 'target', (target) => (isObject(target) ? target : undefined));
  return annotation;
}
