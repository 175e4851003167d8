import { bool, check, isObject, num, objs, str, text, type Json } from './json';
import { datasourceRef, mixedRef } from './datasource';

/** The name of the nth query: A … Z, AA, AB … */
function refIdAt(n: number): string {
  return (n >= 26 ? refIdAt(Math.floor(n / 26) - 1) : '') + String.fromCharCode(65 + (n % 26));
}

/** Gives every target a refId that is unique within its panel. */
export function assignRefIds(targets: Json[]): void {
  const used = new Set<string>();
  const nameless: Json[] = [];
  for (const target of targets) {
    const refId = text(target.refId);
    if (refId === undefined || used.has(refId)) {
      nameless.push(target);
    } else {
      target.refId = refId;
      used.add(refId);
    }
  }
  let n = 0;
  for (const target of nameless) {
    while (used.has(refIdAt(n))) {
      n++;
    }
    target.refId = refIdAt(n);
    used.add(refIdAt(n));
  }
}

/** ">10s" meant a minimum interval; the sign has since been dropped. */
export function plainInterval(value: unknown): string | undefined {
  return text(value)?.replace(/^\s*>\s*/, '') || undefined;
}

/** Validates the queries of a panel and makes the data sources of panel and targets consistent. */
export function migrateTargets(panel: Json): void {
  const targets = objs(panel.targets).map((target) => ({ ...target }) as Json);
  const panelRef = datasourceRef(panel.datasource);
  for (const target of targets) {
    checkTarget(target);
    const ref = datasourceRef(target.datasource) ?? (panelRef?.uid === mixedRef.uid ? undefined : panelRef);
    delete target.datasource;
    if (ref !== undefined) {
      target.datasource = ref;
    }
  }
  assignRefIds(targets);
  delete panel.datasource;
  const ref = panelRef ?? commonRef(targets);
  if (ref !== undefined) {
    panel.datasource = ref;
  }
  if (targets.length > 0 || Array.isArray(panel.targets)) {
    panel.targets = targets;
  } else {
    delete panel.targets;
  }
}

function checkTarget(target: Json): void {
  for (const key of ['expr', 'legendFormat', 'queryType', 'format']) {
    check(target, key, str);
  }
  check(target, 'interval', (value) => plainInterval(value) ?? '');
  for (const key of ['hide', 'instant', 'range', 'exemplar']) {
    check(target, key, bool);
  }
  check(target, 'intervalFactor', num);
}

/** The data source of all targets except expressions; "-- Mixed --" if they differ. */
function commonRef(targets: Json[]): Json | undefined {
  const refs = targets
    .map((target) => target.datasource)
    .filter(isObject)
    .filter((ref) => ref.uid !== '__expr__');
  const names = new Set(refs.map((ref) => `${String(ref.type)}/${String(ref.uid)}`));
  return names.size > 1 ? mixedRef : refs[0];
}
