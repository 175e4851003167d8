/**
 * The entry of a table, undefined when it has none. Plain objects also answer to the names of what all objects have
 * (`constructor`, `__proto__`), so a name out of a file, a URL or a label is looked up with this.
 */
export function own<T>(table: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
}
