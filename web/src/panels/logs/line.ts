/** A piece of a line with the style from terminal escape sequences. */
export interface AnsiPart {
  text: string;
  /** A terminal color number 0 … 15, or a CSS color. */
  color?: number | string;
  background?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
}

type Look = Omit<AnsiPart, 'text'>;

// All ECMA-48 escape sequences; those that end in m change the style, the others are ignored.
const escapes = /\u001b(?:\[([0-9;:]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

export function hasAnsi(line: string): boolean {
  return line.includes('\u001b');
}

/** Splits a line at its terminal escape sequences and removes them. */
export function parseAnsi(line: string): AnsiPart[] {
  const parts: AnsiPart[] = [];
  let look: Look = {};
  let from = 0;
  const push = (to: number) => {
    if (to > from) {
      parts.push({ text: line.slice(from, to), ...look });
    }
  };
  for (const match of line.matchAll(escapes)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') {
      look = restyle(look, (match[1] ?? '').split(/[;:]/).map(Number));
    }
  }
  push(line.length);
  return parts;
}

function restyle(before: Look, codes: number[]): Look {
  let look = { ...before };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code === 0) {
      look = {};
    } else if (code === 38 || code === 48) {
      const { color, used } = extended(codes, i + 1);
      look[code === 38 ? 'color' : 'background'] = color;
      i += used;
    } else {
      Object.assign(look, simple(code));
    }
  }
  return look;
}

function simple(code: number): Look {
  switch (code) {
    case 1:
      return { bold: true };
    case 2:
      return { dim: true };
    case 3:
      return { italic: true };
    case 4:
      return { underline: true };
    case 22:
      return { bold: undefined, dim: undefined };
    case 23:
      return { italic: undefined };
    case 24:
      return { underline: undefined };
    case 39:
      return { color: undefined };
    case 49:
      return { background: undefined };
  }
  const tens = Math.floor(code / 10);
  const unit = code % 10;
  if (unit <= 7 && (tens === 3 || tens === 9)) {
    return { color: unit + (tens === 9 ? 8 : 0) };
  }
  if (unit <= 7 && (tens === 4 || tens === 10)) {
    return { background: unit + (tens === 10 ? 8 : 0) };
  }
  return {};
}

/** 5;n with 256 colors, or 2;r;g;b. */
function extended(codes: number[], at: number): { color?: number | string; used: number } {
  if (codes[at] === 2) {
    const [r, g, b] = codes.slice(at + 1, at + 4).map((c) => Math.min(255, c || 0));
    return { color: `rgb(${r ?? 0}, ${g ?? 0}, ${b ?? 0})`, used: 4 };
  }
  const n = codes[at + 1] ?? 0;
  if (codes[at] !== 5 || n < 16) {
    return { color: codes[at] === 5 ? n : undefined, used: codes[at] === 5 ? 2 : 1 };
  }
  if (n >= 232) {
    const gray = 8 + (Math.min(255, n) - 232) * 10;
    return { color: `rgb(${gray}, ${gray}, ${gray})`, used: 2 };
  }
  const level = (k: number) => (k === 0 ? 0 : 55 + k * 40);
  const c = n - 16;
  return { color: `rgb(${level(Math.floor(c / 36))}, ${level(Math.floor(c / 6) % 6)}, ${level(c % 6)})`, used: 2 };
}

/** Maximum number of characters rendered per line, collapsed and expanded: a browser takes seconds for a line of a megabyte. */
export const mostLetters = { closed: 1000, open: 20_000 };

// Control characters except tab and line feed, and characters that change the text direction or join the surrounding text.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Makes control characters visible and harmless: ⟨U+0007⟩ for a bell, ⟨U+202E⟩ for a change of direction. */
export function visible(text: string): string {
  return text.replace(/\r$/, '').replace(controls, (letter) => `⟨U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** Formats a line that is a JSON object or list over several lines; other lines are unchanged. */
export function prettify(line: string): string {
  const trimmed = line.trim();
  if (!/^[[{]/.test(trimmed)) {
    return line;
  }
  try {
    return JSON.stringify(JSON.parse(trimmed), null, 2);
  } catch {
    return line;
  }
}

const logfmt = /(?:^|\s)([A-Za-z_][\w.-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g;
const mostFields = 100;

/** Extracts the fields of a JSON or key=value line as name-value pairs. */
export function detectFields(line: string): Array<[string, string]> {
  const trimmed = line.trim();
  if (trimmed.startsWith('{')) {
    try {
      const parsed = JSON.parse(trimmed) as Record<string, unknown>;
      return Object.entries(parsed)
        .slice(0, mostFields)
        .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]);
    } catch {
      // Not JSON after all: it may still contain key=value pairs.
    }
  }
  return [...line.matchAll(logfmt)].slice(0, mostFields).map((match) => [match[1]!, (match[2] ?? match[3] ?? '').replace(/\\(["\\])/g, '$1')]);
}
