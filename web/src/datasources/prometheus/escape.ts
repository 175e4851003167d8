/** What a variable tells about itself when its value is formatted. */
interface VariableInfo {
  multi?: boolean;
  includeAll?: boolean;
  isMulti?: boolean;
}

/** For a value between quotes: backslash, quote and newline. */
export function escapeString(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

/** For a value inside a regular expression between quotes. */
export function escapeRegex(value: string): string {
  return value
    .replace(/\\/g, '\\\\\\\\')
    .replace(/[$^*{}[\]+?.()|]/g, '\\\\$&')
    .replace(/"/g, '\\"');
}

/** How a variable's value is written into PromQL and LogQL when the query gives no format. */
export function formatForQuery(value: string | number | Array<string | number>, variable: VariableInfo): string {
  const many = Boolean(variable.multi ?? variable.isMulti) || Boolean(variable.includeAll);
  if (!many && !Array.isArray(value)) {
    return escapeString(String(value));
  }
  if (!Array.isArray(value)) {
    return escapeRegex(String(value));
  }
  const escaped = value.map((v) => escapeRegex(String(v)));
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
}
