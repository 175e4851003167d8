import { css, cx } from '@emotion/css';
import { dateTime, dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { Alert, Badge, LoadingPlaceholder, RadioButtonGroup, Tooltip, useStyles2, type BadgeColor } from '@grafana/ui';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'react-router-dom';

import type { Attempt, Labels, Result } from '../api/alerting';
import { may } from '../boot/role';
import { address } from '../runtime/backendSrv';
import { safeLink } from '../links/addresses';
import { own } from '../boot/own';

const tabs = [
  { to: '/alerts', text: 'Alerts' },
  { to: '/alerts/rules', text: 'Rules' },
  { to: '/alerts/silences', text: 'Silences' },
  { to: '/alerts/status-pages', text: 'Status pages' },
  { to: '/alerts/notifications', text: 'Notifications' },
  { to: '/alerts/receivers', text: 'Receivers and routes' },
];

/** The server's message for an unknown URL. */
const absent = 'Not found';

/** The frame of all alerting pages. */
export function AlertingPage({ error, loading, children }: { error?: string; loading?: boolean; children: ReactNode }) {
  const styles = useStyles2(getStyles);
  const { pathname } = useLocation();
  return (
    <div className={styles.page}>
      <nav className={styles.tabs} aria-label="Alerting">
        {tabs.map(({ to, text }) => {
          const here = to === '/alerts' ? pathname === to : pathname.startsWith(to);
          return (
            <Link key={to} to={to} className={cx(styles.tab, here && styles.here)} aria-current={here ? 'page' : undefined}>
              {text}
            </Link>
          );
        })}
      </nav>
      {error === absent ? (
        <Alert severity="info" title="Alertmanager is disabled">
          Ausguck was started with --no-alertmanager. Rules are still evaluated; see “Rules”.
        </Alert>
      ) : (
        error && (
          <Alert severity="error" title="Some data could not be loaded">
            {error}
          </Alert>
        )
      )}
      {loading && !error ? <LoadingPlaceholder text="" /> : children}
    </div>
  );
}

export const mayEdit = () => may('Editor');

interface StateFilterProps {
  /** Empty for all. */
  value: string;
  /** The label for all, then the states with their labels. */
  all: string;
  options: ReadonlyArray<readonly [value: string, text: string]>;
  onChange: (value: string) => void;
}

/** Selects one of several states; on a narrow page it scrolls independently. */
export function StateFilter({ value, all, options, onChange }: StateFilterProps) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.states}>
      <RadioButtonGroup value={value} options={[{ value: '', label: all }, ...options.map(([v, label]) => ({ value: v, label }))]} onChange={onChange} />
    </div>
  );
}

/** Labels as chips; with onPick they are buttons that add to a filter. */
export function LabelList({ labels, without = [], onPick }: { labels: Labels; without?: string[]; onPick?: (name: string, value: string) => void }) {
  const styles = useStyles2(getStyles);
  return (
    <span className={styles.labels}>
      {Object.entries(labels)
        .filter(([name]) => !without.includes(name))
        .map(([name, value]) => {
          const text = `${name}=${value}`;
          return onPick ? (
            <button key={name} type="button" className={styles.label} title={`Only alerts with ${text}`} onClick={() => onPick(name, value)}>
              {text}
            </button>
          ) : (
            <span key={name} className={styles.label}>
              {text}
            </span>
          );
        })}
    </span>
  );
}

/** "5 minutes ago", with the exact time in a tooltip. */
export function Ago({ time, plain }: { time: string; plain?: boolean }) {
  if (time.startsWith('0001')) {
    return <>never</>;
  }
  return (
    <Tooltip content={dateTimeFormat(time)}>
      <time dateTime={time} tabIndex={0}>
        {dateTime(time).fromNow(plain)}
      </time>
    </Tooltip>
  );
}

/** A link from an external source; shown as text if a browser must not follow it. */
export function OutsideLink({ to, children }: { to: string | undefined; children: ReactNode }) {
  const styles = useStyles2(getStyles);
  const link = safeLink(to);
  if (!link) {
    return null;
  }
  if (!link.ours) {
    return (
      <a className={styles.link} href={link.href} target="_blank" rel="noreferrer noopener">
        {children}
      </a>
    );
  }
  return /^\/(graph|query|explore|d|dashboards|alerts)([/?]|$)/.test(link.href) ? (
    <Link className={styles.link} to={link.href}>
      {children}
    </Link>
  ) : (
    <a className={styles.link} href={address(link.href)}>
      {children}
    </a>
  );
}

const resultLooks: Record<Result, { color: BadgeColor; text: string }> = {
  delivered: { color: 'green', text: 'delivered' },
  retrying: { color: 'orange', text: 'failed, retrying' },
  refused: { color: 'red', text: 'refused' },
  elsewhere: { color: 'blue', text: 'sent by another host' },
};

export function ResultBadge({ result }: { result: Result }) {
  const { color, text } = own(resultLooks, result) ?? { color: 'purple', text: result };
  return <Badge color={color} text={text} />;
}

/** The result of the last notification in one line. */
export function LastNotification({ attempt }: { attempt: Attempt | null | undefined }) {
  const styles = useStyles2(getStyles);
  if (!attempt) {
    return <span className={styles.quiet}>nothing was sent yet</span>;
  }
  return (
    <span className={styles.line}>
      <ResultBadge result={attempt.result} /> <Ago time={attempt.time} /> by {attempt.integration}
      {attempt.error && <span className={styles.error}>{attempt.error}</span>}
    </span>
  );
}

const stateColors: Record<string, BadgeColor> = {
  firing: 'red',
  active: 'red',
  failing: 'red',
  pending: 'orange',
  silenced: 'blue',
  inhibited: 'purple',
  muted: 'purple',
  normal: 'green',
  expired: 'darkgrey',
};

export function StateBadge({ state }: { state: string }) {
  return <Badge color={own(stateColors, state) ?? 'darkgrey'} text={state} />;
}

export const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ padding: theme.spacing(2), maxWidth: 1400, width: '100%', margin: '0 auto', display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  tabs: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), borderBottom: `1px solid ${theme.colors.border.weak}` }),
  tab: css({
    padding: theme.spacing(1),
    color: theme.colors.text.secondary,
    borderBottom: '2px solid transparent',
    '&:hover': { color: theme.colors.text.primary },
  }),
  here: css({ color: theme.colors.text.primary, borderBottomColor: theme.colors.primary.border }),
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center', '> :first-child': { flex: '1 1 240px' } }),
  states: css({ maxWidth: '100%', overflowX: 'auto', '&& > *': { width: 'max-content', maxWidth: 'none' }, '&& label': { maxWidth: 'none' } }),
  card: css({
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    marginBottom: theme.spacing(2),
  }),
  head: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(1),
    alignItems: 'center',
    padding: theme.spacing(1, 2),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    h2: { fontSize: theme.typography.h5.fontSize, margin: 0 },
  }),
  item: css({
    padding: theme.spacing(1, 2),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    '&:last-child': { borderBottom: 'none' },
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(0.5),
  }),
  list: css({ listStyle: 'none', margin: 0 }),
  line: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
  /** The fields of a form; the inputs of a row are on one line, whether they have a description or not. */
  fields: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-end', gap: theme.spacing(1, 2) }),
  title: css({ fontWeight: theme.typography.fontWeightMedium, overflowWrap: 'anywhere' }),
  quiet: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, overflowWrap: 'anywhere' }),
  error: css({ color: theme.colors.error.text, overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }),
  labels: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5) }),
  label: css({
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    background: theme.colors.background.secondary,
    color: theme.colors.text.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    padding: theme.spacing(0, 0.5),
    overflowWrap: 'anywhere',
    textAlign: 'left',
    'button&:hover': { background: theme.colors.action.hover },
  }),
  link: css({ color: theme.colors.text.link, '&:hover': { textDecoration: 'underline' } }),
  plain: css({ color: theme.colors.text.link, background: 'none', border: 'none', padding: 0, '&:hover': { textDecoration: 'underline' } }),
  code: css({
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    overflowWrap: 'anywhere',
    whiteSpace: 'pre-wrap',
  }),
  right: css({ marginLeft: 'auto', display: 'flex', gap: theme.spacing(1), flexWrap: 'wrap' }),
  wide: css({ overflowX: 'auto' }),
  table: css({
    width: '100%',
    borderCollapse: 'collapse',
    'th, td': { textAlign: 'left', verticalAlign: 'top', padding: theme.spacing(0.75, 1), borderBottom: `1px solid ${theme.colors.border.weak}` },
    th: { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightMedium, whiteSpace: 'nowrap' },
    // On a phone, each row is a block with labeled cells.
    [theme.breakpoints.down('sm')]: {
      thead: { display: 'none' },
      tr: { display: 'block', padding: theme.spacing(1, 0), borderBottom: `1px solid ${theme.colors.border.weak}` },
      td: { display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5, 1), padding: theme.spacing(0.25, 0), border: 'none' },
      'td[data-label]::before': { content: 'attr(data-label)', color: theme.colors.text.secondary, flex: '0 0 72px' },
    },
  }),
  short: css({ whiteSpace: 'nowrap' }),
});
