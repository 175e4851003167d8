import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, IconButton, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { useMemo, useState } from 'react';

import { detectFields, visible } from '../../../panels/logs/line';
import type { LogRow } from '../../../panels/logs/rows';
import { useAsked } from '../../../runtime/usePolled';
import type { QueryState } from '../../../links/explore';
import { LokiClient, type DetectedField } from './client';
import { addFilter, addPattern, selectorIn } from './filters';
import { windowOf } from './useLines';

interface Props {
  source: string;
  expr: string;
  query: QueryState;
  rows: LogRow[];
  onExpr: (expr: string) => void;
}

const sample = 1000;
const mostValues = 10;

/** Fields and labels of the newest lines, with the frequency of each value. */
export function FieldsPanel({ source, expr, query, rows, onExpr }: Props) {
  const styles = useStyles2(getStyles);
  const [open, setOpen] = useState<string>();
  const { data } = useAsked(['fields', source, expr, query['range_input'], query['end_input']], () => new LokiClient(source).fields(expr, windowOf(query)));
  const fields = useMemo(() => countFields(rows.slice(0, sample)), [rows]);
  const total = Math.min(rows.length, sample);
  return (
    <section className={styles.panel} aria-label="Fields" data-testid="fields">
      <h3>
        Fields of {total === rows.length ? '' : 'the newest '}
        {total.toLocaleString()} lines
      </h3>
      {fields.length === 0 && <p>No lines.</p>}
      {fields.map(({ name, stream, values, lines }) => (
        <div key={name}>
          <button type="button" className={styles.field} aria-expanded={open === name} onClick={() => setOpen(open === name ? undefined : name)}>
            <span>
              {name}
              {stream ? '' : ` (${typeOf(data, name)})`}
            </span>
            <span>
              {values.length.toLocaleString()} {values.length === 1 ? 'value' : 'values'}
            </span>
          </button>
          {open === name &&
            values.slice(0, mostValues).map(([value, n]) => (
              <div key={value} className={styles.value}>
                <span title={`${n} of ${total} lines`}>{Math.round((100 * n) / total)} %</span>
                <span className={styles.text}>{visible(value.slice(0, 200))}</span>
                {(['=', '!='] as const).map((operator) => (
                  <IconButton
                    key={operator}
                    size="sm"
                    name={operator === '=' ? 'search-plus' : 'search-minus'}
                    tooltip={operator === '=' ? `Only lines with this ${name}` : `No lines with this ${name}`}
                    onClick={() => onExpr(addFilter(expr, { name, value, operator, stream, parser: parserOf(data, name, rows) }))}
                  />
                ))}
              </div>
            ))}
          {open === name && lines < total && <div className={styles.value}>{Math.round((100 * (total - lines)) / total)} % of the lines do not have it</div>}
        </div>
      ))}
    </section>
  );
}

function typeOf(detected: DetectedField[] | undefined, name: string): string {
  return detected?.find((f) => f.label === name)?.type ?? 'text';
}

/** The parser that an expression needs for a field; undefined for metadata stored with the line. */
export function parserOf(detected: DetectedField[] | undefined, name: string, rows: LogRow[]): string | undefined {
  const found = detected?.find((f) => f.label === name);
  if (found) {
    return found.parsers?.[0];
  }
  const row = rows.find((r) => !Object.hasOwn(r.labels, name) && detectFields(r.line).some(([key]) => key === name));
  return row && (row.line.trim().startsWith('{') ? 'json' : 'logfmt');
}

interface FieldCount {
  name: string;
  stream: boolean;
  lines: number;
  values: Array<[string, number]>;
}

function countFields(rows: LogRow[]): FieldCount[] {
  const found = new Map<string, { stream: boolean; values: Map<string, number> }>();
  for (const row of rows) {
    const all = new Map([...detectFields(row.line.slice(0, 20_000)), ...Object.entries(row.labels)]);
    for (const [name, value] of all) {
      const field = found.get(name) ?? { stream: Object.hasOwn(row.stream ?? {}, name), values: new Map<string, number>() };
      field.values.set(value, (field.values.get(value) ?? 0) + 1);
      found.set(name, field);
    }
  }
  return [...found]
    .map(([name, { stream, values }]) => ({
      name,
      stream,
      lines: [...values.values()].reduce((a, b) => a + b, 0),
      values: [...values].sort((a, b) => b[1] - a[1]),
    }))
    .sort((a, b) => Number(b.stream) - Number(a.stream) || b.lines - a.lines || a.name.localeCompare(b.name));
}

/** Patterns of lines, most frequent first. */
export function PatternsPanel({ source, expr, query, onExpr }: Props) {
  const styles = useStyles2(getStyles);
  const selector = selectorIn(expr);
  const { data, error } = useAsked(['patterns', source, selector, query['range_input'], query['end_input']], () =>
    new LokiClient(source).patterns(selector, windowOf(query))
  );
  const counted = (data ?? []).map((p) => ({ ...p, count: p.samples.reduce((sum, [, n]) => sum + n, 0) })).sort((a, b) => b.count - a.count);
  return (
    <section className={styles.panel} aria-label="Patterns" data-testid="patterns">
      <h3>Patterns of {selector}</h3>
      {error && (
        <Alert severity="error" title="The patterns could not be loaded">
          {error}
        </Alert>
      )}
      {!data && !error && <LoadingPlaceholder text="" />}
      {data?.length === 0 && <p>Patterns are detected as lines are received and kept for some hours. There are none for this time range yet.</p>}
      {counted.map(({ pattern, count, level }) => (
        <div key={`${level} ${pattern}`} className={styles.value}>
          <span>{count.toLocaleString()}×</span>
          <span className={styles.text}>{visible(pattern)}</span>
          <IconButton size="sm" name="search-plus" tooltip="Only lines like this" onClick={() => onExpr(addPattern(expr, pattern, true))} />
          <IconButton size="sm" name="search-minus" tooltip="No lines like this" onClick={() => onExpr(addPattern(expr, pattern, false))} />
        </div>
      ))}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  panel: css({
    flex: '0 0 300px',
    minWidth: 0,
    maxHeight: '70vh',
    overflow: 'auto',
    borderRight: `1px solid ${theme.colors.border.weak}`,
    paddingRight: theme.spacing(1),
    fontSize: theme.typography.bodySmall.fontSize,
    h3: { fontSize: theme.typography.h6.fontSize, overflowWrap: 'anywhere' },
    [theme.breakpoints.down('md')]: { flexBasis: '100%', maxHeight: 300, borderRight: 'none', borderBottom: `1px solid ${theme.colors.border.weak}` },
  }),
  field: css({
    display: 'flex',
    width: '100%',
    justifyContent: 'space-between',
    gap: theme.spacing(1),
    background: 'none',
    border: 'none',
    padding: theme.spacing(0.5),
    textAlign: 'left',
    fontSize: 'inherit',
    fontFamily: theme.typography.fontFamilyMonospace,
    overflowWrap: 'anywhere',
    '&:hover': { background: theme.colors.action.hover },
    'span:last-child': { color: theme.colors.text.secondary, whiteSpace: 'nowrap' },
  }),
  value: css({
    display: 'flex',
    gap: theme.spacing(0.5),
    alignItems: 'flex-start',
    padding: theme.spacing(0.25, 0.5),
    '> :first-child': { minWidth: 40, color: theme.colors.text.secondary },
  }),
  text: css({ flex: 1, minWidth: 0, fontFamily: theme.typography.fontFamilyMonospace, overflowWrap: 'anywhere', unicodeBidi: 'isolate' }),
});
