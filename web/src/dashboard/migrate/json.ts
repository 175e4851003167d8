/** A JSON object with unchecked values. */
export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value if it is an object, otherwise an empty object. */
export function obj(value: unknown): Json {
  return isObject(value) ? value : {};
}

/** The objects in a list; empty for any other value. */
export function objs(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The value as a string; numbers are converted, everything else is undefined. */
export function str(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return value;
  }
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

/** The value if it is a non-empty string, otherwise undefined. */
export function text(value: unknown): string | undefined {
  return str(value) || undefined;
}

/** The strings in a list; a single string counts as a list of one. */
export function strs(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map(str).filter((s): s is string => s !== undefined && s !== '');
}

/** The value as a finite number; numeric strings are converted, everything else is undefined. */
export function num(value: unknown): number | undefined {
  if (typeof value === 'string' && value.trim() !== '') {
    value = Number(value);
  }
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function bool(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** The object without keys whose value is undefined. */
export function compact<T extends Json>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

/** The object without these keys. */
export function without(value: Json, keys: Iterable<string>): Json {
  const drop = new Set(keys);
  return Object.fromEntries(Object.entries(value).filter(([key]) => !drop.has(key)));
}

/** Replaces `key` with its validated value, or removes it if validation returns undefined. */
export function check(target: Json, key: string, read: (value: unknown) => unknown): void {
  if (!Object.hasOwn(target, key)) {
    return;
  }
  const value = read(target[key]);
  if (value === undefined) {
    delete target[key];
  } else {
    target[key] = value;
  }
}
