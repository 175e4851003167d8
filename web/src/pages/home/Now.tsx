import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2, type IconName } from '@grafana/ui';
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';

import { alerting } from '../../api/alerting';
import { system } from '../../api/system';
import { DocLinks } from '../../kit/DocLinks';
import { Ago, getStyles as getParts, LastNotification } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { firing, firingPath } from '../../links/firing';

/** The maximum number of items listed by name; the rest is behind the link. */
const most = 4;

/** Current problems, shown before everything else. */
export function Now() {
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['now'], async () => {
    const [targets, groups, status, sent] = await Promise.all([
      system.targets().catch(() => undefined),
      alerting.groups().catch(() => undefined),
      system.status(),
      alerting.notifications({ limit: 1 }).catch(() => []),
    ]);
    return { targets, groups, status, sent };
  });
  if (error || !data) {
    // Earlier data says nothing about the current state.
    return (
      <section className={styles.now} aria-label="What is wrong now" aria-busy={!error} data-testid="now" data-fine={error ? false : undefined}>
        {error && <Line icon="exclamation-triangle">Current problems could not be loaded: {error}.</Line>}
      </section>
    );
  }
  const { targets, groups, status, sent } = data;
  const down = (targets ?? []).filter((t) => t.health === 'down');
  const alerts = firing(groups ?? []).sort((a, b) => rank(a.labels['severity']) - rank(b.labels['severity']));
  const sick = status.parts.filter((p) => p.wrong);
  const fine = targets !== undefined && groups !== undefined && down.length + alerts.length + sick.length === 0 && !status.disk.scarce;
  return (
    <section className={styles.now} aria-label="What is wrong now" data-testid="now" data-fine={fine}>
      {targets === undefined && sick.length === 0 && <Line icon="exclamation-triangle">Targets unavailable: Prometheus is not responding.</Line>}
      {groups === undefined && sick.length === 0 && <Line icon="exclamation-triangle">Alerts unavailable: Alertmanager is not responding.</Line>}
      {fine && (
        <Line icon="check-circle" good>
          All good: no alerts firing, {targets.length === 1 ? 'the only target is' : `all ${targets.length} targets are`} up.
        </Line>
      )}
      {alerts.length > 0 && (
        <Line icon="bell">
          <Link to={firingPath}>
            {alerts.length} {alerts.length === 1 ? 'alert' : 'alerts'} firing:
          </Link>{' '}
          {alerts.slice(0, most).map((a) => (
            <span key={a.fingerprint} className={styles.one}>
              <Link to={`/alerts?filter=${encodeURIComponent(`{alertname="${a.labels['alertname'] ?? ''}"}`)}`}>{a.labels['alertname']}</Link>{' '}
              {a.annotations['summary']}{' '}
              <small>
                since <Ago time={a.startsAt} />
              </small>
            </span>
          ))}
          {more(alerts.length)}
        </Line>
      )}
      {down.length > 0 && (
        <Line icon="heart-break">
          <Link to="/targets?state=down">
            {down.length} of {targets?.length} targets {down.length === 1 ? 'is' : 'are'} down:
          </Link>{' '}
          {down.slice(0, most).map((t) => (
            <span key={t.scrapeUrl} className={styles.one}>
              <Link to={`/targets?filter=${encodeURIComponent(t.scrapeUrl)}`}>
                {t.scrapePool} {t.labels['instance']}
              </Link>{' '}
              {t.lastError}
            </span>
          ))}
          {more(down.length)}
        </Line>
      )}
      {sick.map((p) => (
        <Line key={p.name} icon="exclamation-triangle">
          <Link to="/admin/status">{p.name}</Link>
          {p.phase === 'ready' ? '' : ` is ${p.phase}`}: <DocLinks text={p.says ?? ''} />
        </Line>
      ))}
      {sick.length === 0 && status.disk.scarce && (
        <Line icon="exclamation-triangle">
          <Link to="/admin/status">The disk is nearly full</Link>. Ausguck will soon stop storing new data.
        </Line>
      )}
      {status.warnings.length > 0 && (
        <Line icon="info-circle" mild>
          <Link to="/admin/status">
            {status.warnings.length} configuration {status.warnings.length === 1 ? 'warning' : 'warnings'}:
          </Link>{' '}
          {status.warnings.slice(0, most).map((warning, i) => (
            <span key={i} className={styles.one}>
              {warning}
            </span>
          ))}
          {more(status.warnings.length)}
        </Line>
      )}
      {sent[0] && (
        <Line icon="message" good>
          <Link to="/alerts/notifications">Last notification</Link> <LastNotification attempt={sent[0]} /> to {sent[0].receiver}
        </Line>
      )}
    </section>
  );
}

function more(count: number): string {
  return count > most ? `and ${count - most} more` : '';
}

function rank(severity: string | undefined): number {
  const found = ['critical', 'warning', 'info'].indexOf(severity ?? '');
  return found < 0 ? 1.5 : found;
}

function Line({ icon, good, mild, children }: { icon: IconName; good?: boolean; mild?: boolean; children: ReactNode }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.line}>
      <span className={good ? styles.good : mild ? styles.mild : styles.bad}>
        <Icon name={icon} />
      </span>
      <div className={styles.text}>{children}</div>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  ...getParts(theme),
  now: css({
    minHeight: 46,
    margin: theme.spacing(1, 2, 0),
    padding: theme.spacing(1),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    a: { color: theme.colors.text.link },
  }),
  line: css({ display: 'flex', gap: theme.spacing(1), alignItems: 'flex-start', padding: theme.spacing(0.25, 0) }),
  text: css({ display: 'flex', flexWrap: 'wrap', columnGap: theme.spacing(1), minWidth: 0, overflowWrap: 'anywhere' }),
  one: css({
    minWidth: 0,
    maxWidth: '100%',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    display: '-webkit-box',
    WebkitLineClamp: 2,
    WebkitBoxOrient: 'vertical',
    small: { color: theme.colors.text.secondary },
  }),
  good: css({ color: theme.colors.success.text }),
  mild: css({ color: theme.colors.warning.text }),
  bad: css({ color: theme.colors.error.text }),
});
