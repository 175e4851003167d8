import type { Labels, SilenceMatcher } from '../api/alerting';

export type Operator = '=' | '!=' | '=~' | '!~';

export interface Matcher {
  name: string;
  operator: Operator;
  value: string;
}

// A name is bare, or quoted if it contains characters that Prometheus labels cannot; quotes around a value are optional.
const one = /^(?:([A-Za-z_][\w.:-]*)|"((?:[^"\\]|\\.)*)")\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^",{}\s]*))\s*(?:,\s*|$)/;

/** Parses {severity="critical",job=~"a|b"}, with or without braces. Throws an error with the position if the text is invalid. */
export function parseMatchers(text: string): Matcher[] {
  let rest = text.trim().replace(/^\{/, '').replace(/\}$/, '').trim();
  const matchers: Matcher[] = [];
  while (rest !== '') {
    const found = one.exec(rest);
    if (!found) {
      throw new Error(`cannot read ${rest}; write label="value", label!="value", label=~"regex" or label!~"regex"`);
    }
    const [all, bare, quotedName, operator, quoted, single, plain] = found;
    const matcher = {
      name: bare ?? unescape(quotedName!),
      operator: operator as Operator,
      value: quoted === undefined ? (single ?? plain ?? '') : unescape(quoted),
    };
    regexOf(matcher);
    matchers.push(matcher);
    rest = rest.slice(all.length).trim();
  }
  return matchers;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
}

/** The lower-case words of a text that is not an attempt to write matchers; undefined if it is. */
export function wordsOf(text: string): string[] | undefined {
  return /[={}~"]/.test(text) ? undefined : text.toLowerCase().split(/\s+/).filter(Boolean);
}

/** Formats matchers for parseMatchers and Alertmanager. */
export function formatMatchers(matchers: Matcher[]): string {
  return `{${matchers.map(formatMatcher).join(', ')}}`;
}

export function formatMatcher({ name, operator, value }: Matcher): string {
  return `${/^[A-Za-z_]\w*$/.test(name) ? name : quote(name)}${operator}${quote(value)}`;
}

function quote(text: string): string {
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/** Matchers for exactly these labels. */
export function matchersOf(labels: Labels): Matcher[] {
  return Object.entries(labels).map(([name, value]) => ({ name, operator: '=', value }));
}

export function matchesAll(matchers: Matcher[], labels: Labels): boolean {
  return matchers.every((m) => matches(m, labels));
}

function matches(matcher: Matcher, labels: Labels): boolean {
  const actual = Object.hasOwn(labels, matcher.name) ? labels[matcher.name]! : '';
  const regex = regexOf(matcher);
  const hit = regex ? regex.test(actual) : actual === matcher.value;
  return matcher.operator.startsWith('!') ? !hit : hit;
}

/** The regular expression of a matcher, if it has one. Throws if the browser cannot parse it. */
function regexOf({ operator, value }: Matcher): RegExp | undefined {
  if (!operator.endsWith('~')) {
    return undefined;
  }
  try {
    return new RegExp(`^(?:${value})$`, 's');
  } catch {
    throw new Error(`"${value}" is not a regular expression`);
  }
}

/** Whether a matcher also matches a missing label; Alertmanager rejects a silence if this is true of all its matchers. */
export function matchesEmpty(matcher: Matcher): boolean {
  return matches(matcher, {});
}

export function toSilenceMatcher({ name, operator, value }: Matcher): SilenceMatcher {
  return { name, value, isRegex: operator.endsWith('~'), isEqual: operator.startsWith('=') };
}

export function fromSilenceMatcher({ name, value, isRegex, isEqual }: SilenceMatcher): Matcher {
  return { name, value, operator: isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=' };
}
