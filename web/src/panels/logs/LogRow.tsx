import { css, cx } from '@emotion/css';
import { dateTimeFormat, FieldType, LogLevel, type Field, type GrafanaTheme2, type Labels, type TimeZone } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import { DataLinkButton, IconButton, useStyles2, useTheme2 } from '@grafana/ui';
import type { ReactNode } from 'react';

import { detectFields, hasAnsi, mostLetters, parseAnsi, prettify, visible, type AnsiPart } from './line';
import type { LogRow as Row } from './rows';

/** The actions that a page offers for a line. */
export interface RowActions {
  /** Adds a filter for a stream label or for a field of the line. */
  onFilter: (name: string, value: string, operator: '=' | '!=', row: Row) => void;
  /** Shown below the details. */
  more: (row: Row) => ReactNode;
}

interface Props {
  row: Row;
  actions?: RowActions;
  options: Options;
  timeZone: TimeZone;
  open: boolean;
  onToggle: (key: string) => void;
}

/** A log line, with its details below if it is open. */
export function LogRow({ row, actions, options, timeZone, open, onToggle }: Props) {
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const details = options.enableLogDetails !== false;
  const fields = options.displayedFields ?? [];
  return (
    <div className={styles.row} style={{ borderLeftColor: levelColor(row.level, theme) }} title={row.level === LogLevel.unknown ? undefined : row.level}>
      <div className={cx(styles.line, options.fontSize === 'small' && styles.small)}>
        {details && (
          <IconButton
            name={open ? 'angle-down' : 'angle-right'}
            size="sm"
            aria-label={open ? 'Hide details' : 'Show details'}
            aria-expanded={open}
            onClick={() => onToggle(row.key)}
          />
        )}
        {row.duplicates > 0 && <span className={styles.duplicates}>{row.duplicates + 1}x</span>}
        {options.showTime && <span className={styles.time}>{formatTime(row, timeZone, options.timestampResolution === 'ns')}</span>}
        {options.showLabels && <span className={styles.labels}>{visible(writeLabels(row.uniqueLabels))}</span>}
        <span className={cx(styles.message, options.wrapLogMessage ? styles.wrap : options.prettifyLogMessage && styles.pre)}>
          {fields.length > 0 ? (
            visible(writeLabels(pick(row, fields)))
          ) : (
            <Message line={options.prettifyLogMessage ? prettify(row.line) : row.line} most={open ? mostLetters.open : mostLetters.closed} />
          )}
        </span>
      </div>
      {open && <Details row={row} actions={actions} />}
    </div>
  );
}

function Message({ line, most }: { line: string; most: number }) {
  const theme = useTheme2();
  const shown = line.length > most ? line.slice(0, most) : line;
  const rest = shown.length < line.length && <strong>{` … ${most.toLocaleString()} of ${line.length.toLocaleString()} letters are shown`}</strong>;
  if (!hasAnsi(shown)) {
    return (
      <>
        {visible(shown)}
        {rest}
      </>
    );
  }
  return (
    <>
      {parseAnsi(shown).map((part, i) => (
        <span key={i} style={ansiStyle(part, theme)}>
          {visible(part.text)}
        </span>
      ))}
      {rest}
    </>
  );
}

/** Labels, fields extracted from the line, and the data source's links. */
function Details({ row, actions }: { row: Row; actions?: RowActions }) {
  const styles = useStyles2(getStyles);
  const labels = Object.entries(row.labels).sort(([a], [b]) => a.localeCompare(b));
  const fields = detectFields(row.line).filter(([key, value]) => row.labels[key] !== value);
  const links = (row.frame?.fields ?? []).filter((field) => field.config.links?.length && field.getLinks).flatMap((field) => linksOf(field, row.index));
  return (
    <table className={styles.details}>
      <tbody>
        {[...section('Labels', labels), ...section('Fields', fields)].map(([key, value], i) =>
          value === undefined ? (
            <tr key={i}>
              <th colSpan={2}>{key}</th>
            </tr>
          ) : (
            <tr key={i}>
              <td className={styles.key}>{visible(key)}</td>
              <td className={styles.value}>
                {actions && (
                  <>
                    <IconButton name="search-plus" size="sm" tooltip={`Only lines with this ${key}`} onClick={() => actions.onFilter(key, value, '=', row)} />
                    <IconButton name="search-minus" size="sm" tooltip={`No lines with this ${key}`} onClick={() => actions.onFilter(key, value, '!=', row)} />
                  </>
                )}
                {visible(value.slice(0, mostLetters.closed))}
              </td>
            </tr>
          )
        )}
        {links.length > 0 && (
          <tr>
            <td className={styles.key}>Links</td>
            <td>
              {links.map((link, i) => (
                <DataLinkButton key={i} link={link} />
              ))}
            </td>
          </tr>
        )}
        {labels.length + fields.length + links.length === 0 && (
          <tr>
            <td>No labels or fields</td>
          </tr>
        )}
        {actions && (
          <tr>
            <td colSpan={2}>{actions.more(row)}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function section(title: string, entries: Array<[string, string]>): Array<[string, string?]> {
  return entries.length === 0 ? [] : [[title], ...entries];
}

function linksOf(field: Field, index: number) {
  const value: unknown = field.values[index];
  return value === null || value === undefined || field.type === FieldType.time ? [] : (field.getLinks?.({ valueRowIndex: index }) ?? []);
}

function pick(row: Row, names: string[]): Labels {
  const detected = new Map(detectFields(row.line));
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = row.labels[name] ?? detected.get(name);
      return value === undefined ? [] : [[name, value]];
    })
  );
}

export function writeLabels(labels: Labels): string {
  return Object.entries(labels)
    .filter(([key]) => !key.startsWith('__'))
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

function formatTime(row: Row, timeZone: TimeZone, nanos: boolean): string {
  const ms = dateTimeFormat(row.time, { timeZone, format: 'YYYY-MM-DD HH:mm:ss.SSS' });
  return nanos ? ms + String(row.nanos).padStart(6, '0') : ms;
}

function levelColor(level: LogLevel, theme: GrafanaTheme2): string {
  const name = { critical: 'purple', error: 'red', warning: 'yellow', info: 'green', debug: 'blue', trace: 'light-blue' }[String(level)];
  return name === undefined ? theme.colors.border.medium : theme.visualization.getColorByName(name);
}

const ansiNames = ['text', 'red', 'green', 'yellow', 'blue', 'purple', 'super-light-blue', 'text'];

function ansiColor(color: number | string, theme: GrafanaTheme2): string {
  if (typeof color === 'string') {
    return color;
  }
  const name = ansiNames[color % 8]!;
  if (name === 'text') {
    return color % 8 === 0 ? theme.colors.text.secondary : theme.colors.text.maxContrast;
  }
  return theme.visualization.getColorByName(color < 8 ? name : `light-${name.replace('super-light-', '')}`);
}

function ansiStyle(part: AnsiPart, theme: GrafanaTheme2): React.CSSProperties {
  return {
    color: part.color === undefined ? undefined : ansiColor(part.color, theme),
    backgroundColor: part.background === undefined ? undefined : ansiColor(part.background, theme),
    fontWeight: part.bold ? 'bold' : undefined,
    opacity: part.dim ? 0.7 : undefined,
    fontStyle: part.italic ? 'italic' : undefined,
    textDecoration: part.underline ? 'underline' : undefined,
  };
}

const getStyles = (theme: GrafanaTheme2) => ({
  row: css({ borderLeft: '3px solid', paddingLeft: theme.spacing(0.5), '&:hover': { background: theme.colors.action.hover } }),
  line: css({
    display: 'flex',
    alignItems: 'flex-start',
    gap: theme.spacing(1),
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    lineHeight: '20px',
    '& button': { margin: 0, height: 20 },
    [theme.breakpoints.down('sm')]: { flexWrap: 'wrap', columnGap: theme.spacing(1), rowGap: 0 },
  }),
  small: css({ fontSize: 11 }),
  time: css({ color: theme.colors.text.secondary, whiteSpace: 'nowrap' }),
  labels: css({ color: theme.colors.text.secondary, whiteSpace: 'nowrap', maxWidth: '40%', overflow: 'hidden', textOverflow: 'ellipsis', flexShrink: 0 }),
  duplicates: css({ color: theme.colors.text.secondary, minWidth: '3em', textAlign: 'right' }),
  // The text direction of a line must not affect the surrounding text.
  message: css({ whiteSpace: 'nowrap', flexGrow: 1, unicodeBidi: 'isolate' }),
  wrap: css({ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', minWidth: 0, [theme.breakpoints.down('sm')]: { flexBasis: '100%' } }),
  pre: css({ whiteSpace: 'pre' }),
  details: css({
    margin: theme.spacing(0.5, 0, 1, 3),
    background: theme.colors.background.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    '& th': { padding: theme.spacing(0.5, 1), color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightMedium },
    '& td': { padding: theme.spacing(0, 1), verticalAlign: 'top' },
  }),
  key: css({ fontFamily: theme.typography.fontFamilyMonospace, color: theme.colors.text.secondary, whiteSpace: 'nowrap' }),
  value: css({ fontFamily: theme.typography.fontFamilyMonospace, overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }),
});
