/** The properties of a variable whose value is being formatted. */
interface VariableInfo {
  multi?: boolean;
  includeAll?: boolean;
  isMulti?: boolean;
}

/** Escapes a value between quotes: backslash, quote and newline. */
export function escapeString(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

/** Escapes a value inside a regular expression between quotes. */
export function escapeRegex(value: string): string {
  return value
    .replace(/\\/g, '\\\\\\\\')
    .replace(/[$^*{}[\]+?.()|]/g, '\\\\$&')
    .replace(/"/g, '\\"');
}

/** Formats a variable's value for PromQL and LogQL if the query specifies no format. */
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
