import {
  escapeStringForRegex,
  getFieldDisplayName,
  getFieldTypeFromValue,
  stringStartsAsRegEx,
  stringToJsRegex,
  type DataFrame,
  type Field,
} from '@grafana/data';
import { get } from 'lodash';

import { column, transformer } from './transformer';

interface Options {
  source?: string;
  format?: 'json' | 'kvp' | 'auto' | 'regexp' | 'delimiter';
  jsonPaths?: Array<{ path: string; alias?: string }>;
  regExp?: string;
  delimiter?: string;
  replace?: boolean;
  keepTime?: boolean;
}

type Row = Record<string, unknown>;
type Parse = (text: string) => Row | undefined;

/**
 * Extracts columns from the values of one field: JSON, key-value pairs, groups of a regular expression, or parts
 * between delimiters.
 */
export const extractFields = transformer<Options>('extractFields', 'Extract fields', (frames, options) => frames.map((frame) => extract(frame, options)), {
  delimiter: ',',
});

function extract(frame: DataFrame, options: Options): DataFrame {
  const source = options.source ? fieldOf(frame, options.source) : undefined;
  if (!source) {
    return frame;
  }
  const parse = parserOf(options);
  const columns = new Map<string, unknown[]>();
  for (let row = 0; row < frame.length; row++) {
    for (const [name, value] of Object.entries(rowOf(source.values[row], parse, options))) {
      const values = columns.get(name) ?? new Array<unknown>(frame.length).fill(undefined);
      columns.set(name, values);
      values[row] = value;
    }
  }
  const found = [...columns].map(([name, values]) => column(name, getFieldTypeFromValue(values.find((v) => v !== null && v !== undefined)), values));
  const time = options.keepTime ? (fieldOf(frame, 'Time') ?? fieldOf(frame, 'time')) : undefined;
  const kept = options.replace ? (time ? [time] : []) : [...frame.fields, ...(time ? [time] : [])];
  return { ...frame, fields: [...kept, ...found] };
}

function fieldOf(frame: DataFrame, name: string): Field | undefined {
  return frame.fields.find((f) => f.name === name || getFieldDisplayName(f, frame) === name);
}

function rowOf(value: unknown, parse: Parse, { format, jsonPaths }: Options): Row {
  let row: unknown = value;
  if (typeof value === 'string') {
    try {
      row = parse(value);
    } catch {
      row = {};
    }
  }
  const paths = format === 'json' ? (jsonPaths ?? []).filter((p) => p.path) : [];
  if (row !== null && row !== undefined && paths.length > 0) {
    return Object.fromEntries(paths.map(({ path, alias }) => [alias || path, (get(row, path) as unknown) ?? 'Not Found']));
  }
  return typeof row === 'object' && row !== null ? (row as Row) : {};
}

function parserOf(options: Options): Parse {
  const regexp = groupsBy(options.regExp);
  const parsers = { json: fromJson, kvp: pairs, delimiter: partsBetween(options.delimiter ?? ','), regexp };
  switch (options.format ?? 'auto') {
    case 'auto':
      return (text) => {
        for (const parse of [fromJson, pairs, parsers.delimiter, regexp]) {
          try {
            const row = parse(text);
            if (row !== null && row !== undefined) {
              return row;
            }
          } catch {
            // The next parser may succeed.
          }
        }
        return undefined;
      };
    case 'json':
    case 'kvp':
    case 'delimiter':
    case 'regexp':
      return parsers[options.format as keyof typeof parsers];
    default:
      throw new Error(`extractFields: the format ${options.format} is not known`);
  }
}

const fromJson: Parse = (text) => JSON.parse(text) as Row;

function groupsBy(text: string | undefined): Parse {
  const regexp = text && stringStartsAsRegEx(text) ? stringToJsRegex(text) : /(?<NewField>.*)/;
  return (line) => regexp.exec(line)?.groups;
}

function partsBetween(delimiter: string): Parse {
  const split = new RegExp(`\\s*${escapeStringForRegex(delimiter)}\\s*`);
  return (text) =>
    Object.fromEntries(
      text
        .trim()
        .split(split)
        .map((part) => [part, 1])
    );
}

/**
 * a=b, c: "d e"; a name without a value gets an empty one. As in Grafana, a sign directly after a word makes it a name,
 * so url=http://x yields url and http, and words between commas alternate between name and value.
 */
export const pairs: Parse = (text) => {
  const row: Row = {};
  let [name, word] = ['', ''];
  const separate = () => {
    if (word !== '' && name !== '') {
      row[name] = word;
    }
    if (word !== '') {
      [name, word] = [name === '' ? word : '', ''];
    }
  };
  const space = () => {
    if (word !== '' && name === '') {
      row[word] = '';
      word = '';
    }
    separate();
  };
  for (const [part, double, single, bare] of text.matchAll(/"((?:[^"\\]|\\[^])*)"?|'((?:[^'\\]|\\[^])*)'?|((?:[^\s,;&{}:="'\\]|\\[^])+)|[^]/g)) {
    const quoted = double ?? single;
    if (quoted !== undefined) {
      space();
      word = unescaped(quoted);
    } else if (bare !== undefined) {
      word += unescaped(bare);
    } else if (part === ':' || part === '=') {
      if (word !== '') {
        if (name !== '') {
          row[name] = '';
        }
        [name, word] = [word, ''];
      }
    } else if (/\s/.test(part)) {
      space();
    } else {
      separate();
    }
  }
  if (name !== '') {
    row[name] = word;
  } else if (word !== '') {
    row[word] = '';
  }
  return row;
};

function unescaped(text: string): string {
  return text.replace(/\\([^])/g, '$1');
}
