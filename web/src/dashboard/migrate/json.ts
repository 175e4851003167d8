/** A JSON object whose values nobody has checked yet. */
export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as object; an empty one for everything else. */
export function obj(value: unknown): Json {
  return isObject(value) ? value : {};
}

/** The objects of a list; nothing for everything else. */
export function objs(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The value as string; numbers are written out, everything else is undefined. */
export function str(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return value;
  }
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

/** A string that is not empty, or undefined. */
export function text(value: unknown): string | undefined {
  return str(value) || undefined;
}

/** The strings of a list; a single string is a list of one. */
export function strs(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map(str).filter((s): s is string => s !== undefined && s !== '');
}

/** The value as finite number; strings that spell one count, everything else is undefined. */
export function num(value: unknown): number | undefined {
  if (typeof value === 'string' && value.trim() !== '') {
    value = Number(value);
  }
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function bool(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** The object without the keys whose value is undefined. */
export function compact<T extends Json>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

/** The object without these keys. */
export function without(value: Json, keys: Iterable<string>): Json {
  const drop = new Set(keys);
  return Object.fromEntries(Object.entries(value).filter(([key]) => !drop.has(key)));
}

/** Replaces `key` by its checked form, or removes it when the check yields undefined. */
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
