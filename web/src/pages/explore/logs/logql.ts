import type { CompletionContext, CompletionResult, Completion } from '@codemirror/autocomplete';
import { LanguageSupport, StreamLanguage } from '@codemirror/language';

import { selectorsOf } from '../../../datasources/loki/selectors';

/** The data that completion requests from a Loki; on errors there are no completions. */
export interface LogqlSource {
  labels: () => Promise<string[]>;
  values: (label: string, selector: string) => Promise<string[]>;
  /** Names that parsers extract from the lines of a selector. */
  fields: (selector: string) => Promise<string[]>;
}

const rangeFunctions = [
  'rate',
  'rate_counter',
  'count_over_time',
  'bytes_rate',
  'bytes_over_time',
  'absent_over_time',
  'sum_over_time',
  'avg_over_time',
  'max_over_time',
  'min_over_time',
  'first_over_time',
  'last_over_time',
  'stdvar_over_time',
  'stddev_over_time',
  'quantile_over_time',
];
const aggregations = [
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'approx_topk',
  'sort',
  'sort_desc',
  'label_replace',
  'vector',
];
const parsers = ['json', 'logfmt', 'pattern', 'regexp', 'unpack'];
const stages = ['line_format', 'label_format', 'drop', 'keep', 'decolorize', 'unwrap'];
const words = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool', 'offset', 'and', 'or', 'unless', 'ip']);
const known = new Set([...rangeFunctions, ...aggregations, ...parsers, ...stages, 'duration', 'duration_seconds', 'bytes']);

/** Syntax highlighting for LogQL; its grammar is simple enough for a tokenizer. */
export const logqlLanguage = StreamLanguage.define<{ inside: boolean }>({
  name: 'logql',
  startState: () => ({ inside: false }),
  token(stream, state) {
    if (stream.eatSpace()) {
      return null;
    }
    if (stream.match(/^#.*/)) {
      return 'comment';
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?|^`[^`]*`?/)) {
      return 'string';
    }
    if (stream.match(/^\d+(?:\.\d+)?(?:ns|us|µs|ms|[smhdwy]|[KMGT]i?B|B)?/i)) {
      return 'number';
    }
    const word = stream.match(/^[A-Za-z_][\w.:]*/) as RegExpMatchArray | null;
    if (word) {
      if (words.has(word[0])) {
        return 'keyword';
      }
      return !state.inside && known.has(word[0]) ? 'keyword' : 'propertyName';
    }
    const letter = stream.next();
    state.inside = letter === '{' ? true : letter === '}' ? false : state.inside;
    return null;
  },
});

/** The last selector before the end of a text, {} if there is none. */
export function lastSelector(text: string): string {
  const last = selectorsOf(text).at(-1);
  return last ? text.slice(last.from, last.to) : '{}';
}

const quoted = (text: string) => `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;

function options(names: string[], type: string, detail = ''): Completion[] {
  return names.map((label) => ({ label, type, detail }));
}

/** Completions at the cursor: labels and values in a selector, stages after a pipe, functions elsewhere. */
export async function completeLogql(context: CompletionContext, source: LogqlSource): Promise<CompletionResult | null> {
  const before = context.state.doc.sliceString(0, context.pos);
  const selector = /\{(?:[^{}"`]|"(?:[^"\\]|\\.)*"|`[^`]*`)*(?:"(?:[^"\\]|\\.)*)?$/.exec(before);
  if (selector) {
    return inSelector(context, selector[0], source);
  }
  const stage = /\|\s*([\w.]*)$/.exec(before);
  if (stage && !/\|[=~>]\s*$/.test(before)) {
    const fields = await source.fields(lastSelector(before)).catch(() => []);
    return {
      from: context.pos - stage[1]!.length,
      options: [...options(parsers, 'keyword', 'parser'), ...options(stages, 'keyword', 'stage'), ...options(fields, 'property', 'field')],
      validFor: /^[\w.]*$/,
    };
  }
  const grouping = /\b(?:by|without)\s*\([^)]*?([\w.]*)$/.exec(before);
  if (grouping) {
    const [labels, fields] = await Promise.all([source.labels().catch(() => []), source.fields(lastSelector(context.state.doc.toString())).catch(() => [])]);
    return { from: context.pos - grouping[1]!.length, options: options([...new Set([...labels, ...fields])], 'property'), validFor: /^[\w.]*$/ };
  }
  const word = /[A-Za-z_]\w*$/.exec(before);
  if ((word || context.explicit) && !/["`][^"`]*$/.test(before.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, ''))) {
    const started = before.trim() !== (word?.[0] ?? '');
    return {
      from: context.pos - (word?.[0].length ?? 0),
      validFor: /^\w*$/,
      options: [
        ...options(rangeFunctions, 'function', '({…}[5m])'),
        ...options(aggregations, 'function'),
        ...(started ? options(['by', 'without', 'offset'], 'keyword') : [{ label: '{', type: 'text', detail: 'a stream selector' }]),
      ],
    };
  }
  return null;
}

async function inSelector(context: CompletionContext, text: string, source: LogqlSource): Promise<CompletionResult | null> {
  const value = /([\w.]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*)?$/.exec(text);
  if (value) {
    const typed = value[3] ?? '';
    // The other matchers restrict the suggestions.
    const others = text.slice(1, value.index).replace(/,\s*$/, '');
    const values = await source.values(value[1]!, others.trim() === '' ? '' : `{${others}}`).catch(() => []);
    const closes = context.state.doc.sliceString(context.pos, context.pos + 1) === '"' ? 1 : 0;
    return {
      from: context.pos - typed.length,
      to: context.pos + closes,
      options: values.map((v) => ({ label: quoted(v), type: 'text' })),
      validFor: /^"(?:[^"\\]|\\.)*$/,
    };
  }
  const name = /(?:^\{|,)\s*([\w.]*)$/.exec(text);
  if (!name) {
    return null;
  }
  return { from: context.pos - name[1]!.length, options: options(await source.labels().catch(() => []), 'property'), validFor: /^[\w.]*$/ };
}

export function logql(source: LogqlSource): LanguageSupport {
  return new LanguageSupport(logqlLanguage, [
    logqlLanguage.data.of({
      autocomplete: (context: CompletionContext) => completeLogql(context, source),
      closeBrackets: { brackets: ['(', '[', '{', '"', '`'] },
    }),
  ]);
}
