/** The displayed part of /api/v1/rules of a Prometheus-compatible server. */
export interface RuleGroup {
  name: string;
  file: string;
  rules: Rule[];
}

export interface Rule {
  type: string;
  name: string;
  state?: string;
  health?: string;
  lastError?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  alerts?: Alert[];
}

export interface Alert {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  state: string;
  activeAt?: string;
  value?: string;
}

export type State = 'firing' | 'pending' | 'error' | 'noData' | 'normal';

/** Options of the alert list in Grafana's JSON. */
export interface AlertListOptions {
  viewMode: 'list' | 'stat';
  groupMode: 'default' | 'custom';
  groupBy: string[];
  maxItems: number;
  /** 1 name, 2 name descending, 3 importance, 4 longest active first, 5 newest first. */
  sortOrder: number;
  dashboardAlerts: boolean;
  alertName: string;
  alertInstanceLabelFilter: string;
  datasource?: string;
  stateFilter: Partial<Record<State, boolean>>;
  showInstances: boolean;
  showInactiveAlerts?: boolean;
}

/** A rule or, with groupMode "custom", a set of labels, with its alerts. */
export interface Item {
  key: string;
  title: string;
  state: State;
  summary: string;
  error?: string;
  alerts: Alert[];
  /** Start of the oldest alert in milliseconds since 1970; undefined if none is active. */
  since?: number;
}

const importance: State[] = ['firing', 'error', 'pending', 'noData', 'normal'];

export interface Filter {
  name: string;
  labels: Matcher[];
}

/** The alerting rules selected by the options, in the chosen order, at most maxItems. */
export function itemsOf(groups: RuleGroup[], options: AlertListOptions, filter: Filter): Item[] {
  const rules = groups.flatMap((group) =>
    list(group.rules)
      .filter((rule) => rule.type === 'alerting')
      .map((rule, i) => ruleItem(group, rule, i, filter))
  );
  const wanted = rules.filter(
    (item) =>
      isWanted(item.state, options) && item.title.toLowerCase().includes(filter.name.toLowerCase()) && (filter.labels.length === 0 || item.alerts.length > 0)
  );
  const items = options.groupMode === 'custom' ? groupItems(wanted, list(options.groupBy)) : wanted;
  return sortItems(items, options.sortOrder).slice(0, options.maxItems > 0 ? options.maxItems : undefined);
}

/** Explains why the list is empty. */
export function whyNone(groups: RuleGroup[], options: AlertListOptions, filtered: boolean): string {
  if (!groups.some((group) => list(group.rules).some((rule) => rule.type === 'alerting'))) {
    return 'No alerting rules';
  }
  if (filtered) {
    return 'No alerts match the filter';
  }
  const states = (['firing', 'pending'] as const).filter((state) => isWanted(state, options));
  return states.length > 0 ? `No alert is ${states.join(' or ')}` : 'No alerts in the selected states';
}

function list<T>(value: T[] | undefined | null): T[] {
  return Array.isArray(value) ? value : [];
}

function isWanted(state: State, options: AlertListOptions): boolean {
  const states = options.stateFilter ?? {};
  return Object.values(states).some(Boolean) ? states[state] === true : state !== 'normal';
}

function ruleItem(group: RuleGroup, rule: Rule, index: number, filter: Filter): Item {
  const alerts = list(rule.alerts).filter((alert) => filter.labels.every((matcher) => matches(matcher, alert.labels)));
  return {
    key: `${group.file}/${group.name}/${index}/${rule.name}`,
    title: rule.name,
    state: stateOf(rule, alerts, filter),
    summary: alerts[0]?.annotations?.summary ?? rule.annotations?.summary ?? rule.annotations?.description ?? '',
    error: rule.lastError || undefined,
    alerts,
    since: oldest(alerts),
  };
}

function stateOf(rule: Rule, alerts: Alert[], filter: Filter): State {
  if (rule.health === 'err' || rule.health === 'error') {
    return 'error';
  }
  if (rule.health === 'nodata') {
    return 'noData';
  }
  if (filter.labels.length > 0) {
    return alerts.some((alert) => alert.state === 'firing') ? 'firing' : alerts.length > 0 ? 'pending' : 'normal';
  }
  return rule.state === 'firing' ? 'firing' : rule.state === 'pending' ? 'pending' : 'normal';
}

function oldest(alerts: Alert[]): number | undefined {
  const times = alerts.map((alert) => Date.parse(alert.activeAt ?? '')).filter((time) => !Number.isNaN(time));
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Groups the alerts of all rules by the values of some labels. */
function groupItems(items: Item[], labels: string[]): Item[] {
  const groups = new Map<string, Alert[]>();
  for (const alert of items.flatMap((item) => item.alerts)) {
    const pairs = labels.filter((label) => Object.hasOwn(alert.labels, label)).map((label) => `${label}=${alert.labels[label]}`);
    const key = pairs.length > 0 ? pairs.join(', ') : 'No grouping';
    groups.set(key, [...(groups.get(key) ?? []), alert]);
  }
  return [...groups].map(([key, alerts]) => ({
    key,
    title: key,
    summary: '',
    alerts,
    since: oldest(alerts),
    state: alerts.some((alert) => alert.state === 'firing') ? 'firing' : 'pending',
  }));
}

function sortItems(items: Item[], order: number): Item[] {
  const byName = (a: Item, b: Item) => a.title.localeCompare(b.title);
  const compare: Record<number, (a: Item, b: Item) => number> = {
    2: (a, b) => byName(b, a),
    3: (a, b) => importance.indexOf(a.state) - importance.indexOf(b.state) || byName(a, b),
    4: (a, b) => (a.since ?? Infinity) - (b.since ?? Infinity) || byName(a, b),
    5: (a, b) => (b.since ?? -Infinity) - (a.since ?? -Infinity) || byName(a, b),
  };
  return [...items].sort(compare[order] ?? byName);
}

export interface Matcher {
  label: string;
  op: '=' | '!=' | '=~' | '!~';
  value: string;
  regex?: RegExp;
}

const matcher = /^([A-Za-z_][\w.]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^",]*))\s*(?:,\s*|$)/;

/** Parses {severity="critical", job=~"a|b"}, with or without braces. Throws an error with the position if the text is invalid. */
export function parseMatchers(text: string): Matcher[] {
  let rest = text.trim().replace(/^\{/, '').replace(/\}$/, '').trim();
  const result: Matcher[] = [];
  while (rest !== '') {
    const match = matcher.exec(rest);
    if (match === null) {
      throw new Error(`label filter: cannot read "${rest}"; write label="value", label!="value", label=~"regex" or label!~"regex"`);
    }
    const [all, label, op, quoted, single, bare] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? single ?? (bare ?? '').trim();
    const isRegex = op === '=~' || op === '!~';
    result.push({ label: label!, op: op as Matcher['op'], value, ...(isRegex && { regex: compile(value) }) });
    rest = rest.slice(all.length).trim();
  }
  return result;
}

function compile(value: string): RegExp {
  try {
    return new RegExp(`^(?:${value})$`);
  } catch {
    throw new Error(`label filter: "${value}" is not a regular expression`);
  }
}

export function matches({ label, op, value, regex }: Matcher, labels: Record<string, string>): boolean {
  const actual = Object.hasOwn(labels, label) ? labels[label]! : '';
  const hit = regex === undefined ? actual === value : regex.test(actual);
  return op === '=' || op === '=~' ? hit : !hit;
}
