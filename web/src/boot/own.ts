/**
 * Returns the entry of a table, or undefined if there is none. Plain objects also have properties inherited from
 * Object.prototype (`constructor`, `__proto__`), so use this to look up names from files, URLs or labels.
 */
export function own<T>(table: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
}
