import { Alert, Combobox, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';

import { alerting, type ActiveAlert, type AlertGroup, type Attempt, type Labels } from '../../api/alerting';
import { MatcherInput, useFilter, useUrlParams } from '../../kit/MatcherInput';
import { silenceLink } from '../../links/addresses';
import { DocLink } from '../../kit/DocLinks';
import { AlertingPage, Ago, getStyles, LabelList, LastNotification, mayEdit, OutsideLink, StateBadge, StateFilter } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { logsOfAlert } from '../../links/related';
import { Foldable } from '../../kit/Foldable';
import { Path } from './Path';

/** With more alerts than this, groups are initially collapsed. */
const mostOpen = 50;

const states = ['active', 'silenced', 'inhibited', 'muted'] as const;

/** Alerts from Alertmanager in their notification groups, with the result of the last notification. */
export default function ActivePage() {
  usePage({ breadcrumbs: [{ text: 'Alerts' }] }, 'alerts');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const filter = useFilter();
  const receiver = params.get('receiver') ?? '';
  const state = params.get('state') ?? '';
  const { data, error } = usePolled(['active alerts'], async () => {
    const [groups, sent, receivers] = await Promise.all([alerting.groups(), alerting.notifications({ limit: 500 }), alerting.receivers()]);
    return { groups, sent, receivers };
  });
  const every = data?.groups.flatMap((g) => g.alerts) ?? [];
  const asked = (data?.groups ?? [])
    .filter((g) => receiver === '' || g.receiver.name === receiver)
    .map((g) => ({ ...g, alerts: g.alerts.filter((a) => filter.shows(a.labels, Object.values(a.annotations))) }));
  const shown = asked.map((g) => ({ ...g, alerts: g.alerts.filter((a) => state === '' || stateOf(a) === state) })).filter((g) => g.alerts.length > 0);
  // The counts per state refer to the filtered alerts.
  const all = asked.flatMap((g) => g.alerts);
  return (
    <AlertingPage error={error} loading={!data}>
      {data?.receivers.sendsNowhere && (
        <Alert severity="warning" title="Alerts are not delivered">
          No receiver in alertmanager.yml has an integration. See <DocLink page="alerting">Alerting</DocLink> in the documentation to set up Slack or email in
          five minutes.
        </Alert>
      )}
      <div className={styles.bar}>
        <MatcherInput filter={filter} />
        <Combobox
          aria-label="Receiver"
          width={24}
          isClearable
          placeholder="All receivers"
          value={receiver || null}
          options={[...new Set([receiver, ...(data?.receivers.receivers ?? []).map((r) => r.name)].filter(Boolean))].map((name) => ({
            value: name,
            label: name,
          }))}
          onChange={(o: { value: string } | null) => setParams({ receiver: o?.value })}
        />
        <StateFilter
          value={state}
          all={`All (${count(all)})`}
          options={states.map((s) => [s, `${s} (${count(all.filter((a) => stateOf(a) === s))})`])}
          onChange={(s) => setParams({ state: s })}
        />
      </div>
      {data && shown.length === 0 && (
        <Alert severity={every.length === 0 ? 'success' : 'info'} title={every.length === 0 ? 'No alert is firing' : 'No alerts match the filter'}>
          {every.length === 0 ? 'Rules that are pending are under “Rules”.' : `${count(every)} ${count(every) === 1 ? 'alert does' : 'alerts do'} not.`}
        </Alert>
      )}
      {shown.map((group) => (
        <Group
          key={`${group.receiver.name}/${JSON.stringify(group.labels)}`}
          group={group}
          sent={data!.sent}
          open={shown.flatMap((g) => g.alerts).length <= mostOpen}
          onPick={filter.pick}
        />
      ))}
    </AlertingPage>
  );
}

function Group({ group, sent, open, onPick }: { group: AlertGroup; sent: Attempt[]; open: boolean; onPick: (name: string, value: string) => void }) {
  const styles = useStyles2(getStyles);
  return (
    <Foldable
      label={`Alerts for ${group.receiver.name}`}
      open={open}
      head={
        <>
          <h2>
            →{' '}
            <Link className={styles.link} to={`/alerts/receivers?receiver=${encodeURIComponent(group.receiver.name)}`}>
              {group.receiver.name}
            </Link>
          </h2>
          <span className={styles.quiet}>
            {group.alerts.length} {group.alerts.length === 1 ? 'alert' : 'alerts'}
          </span>
          <LabelList labels={group.labels} onPick={onPick} />
          <span className={styles.right}>
            <LastNotification attempt={lastOf(sent, group)} />
          </span>
        </>
      }
    >
      <ul className={styles.list}>
        {group.alerts.map((alert) => (
          <One key={alert.fingerprint} alert={alert} sent={sent} onPick={onPick} />
        ))}
      </ul>
    </Foldable>
  );
}

function One({ alert, sent, onPick }: { alert: ActiveAlert; sent: Attempt[]; onPick: (name: string, value: string) => void }) {
  const styles = useStyles2(getStyles);
  const { labels, annotations, status } = alert;
  const [open, setOpen] = useState(false);
  const logs = logsOfAlert(labels, alert.startsAt);
  return (
    <li className={styles.item} data-testid="alert" data-state={stateOf(alert)}>
      <div className={styles.line}>
        <StateBadge state={stateOf(alert)} />
        <span className={styles.title}>{labels['alertname'] ?? 'alert without a name'}</span>
        <span className={styles.quiet}>
          since <Ago time={alert.startsAt} />
        </span>
        <span className={styles.right}>
          <OutsideLink to={alert.generatorURL}>Graph</OutsideLink>
          {logs && (
            <Link className={styles.link} to={logs}>
              Logs
            </Link>
          )}
          <OutsideLink to={annotations['dashboard'] ?? annotations['dashboard_url']}>Dashboard</OutsideLink>
          <OutsideLink to={annotations['runbook_url']}>Runbook</OutsideLink>
          <button type="button" className={styles.plain} aria-expanded={open} onClick={() => setOpen(!open)}>
            Path
          </button>
          <Link className={styles.link} to={`/alerts/receivers?labels=${encodeURIComponent(JSON.stringify(labels))}`}>
            Route
          </Link>
          <Link className={styles.link} to={`/alerts/notifications?alertname=${encodeURIComponent(labels['alertname'] ?? '')}`}>
            Notifications
          </Link>
          {mayEdit() && (
            <Link className={styles.link} to={silenceLink(labels)}>
              Silence
            </Link>
          )}
        </span>
      </div>
      {annotations['summary'] && <div>{annotations['summary']}</div>}
      {annotations['description'] && <div className={styles.quiet}>{annotations['description']}</div>}
      <LabelList labels={labels} without={['alertname']} onPick={onPick} />
      {open && <Path labels={labels} last={sent} />}
      {status.silencedBy.length > 0 && (
        <div className={styles.quiet}>
          silenced by{' '}
          {status.silencedBy.map((id) => (
            <Link key={id} className={styles.link} to={`/alerts/silences/${encodeURIComponent(id)}`}>
              {id.slice(0, 8)}
            </Link>
          ))}
        </div>
      )}
      {status.inhibitedBy.length > 0 && (
        <div className={styles.quiet}>inhibited by {status.inhibitedBy.length === 1 ? 'another alert' : `${status.inhibitedBy.length} other alerts`}</div>
      )}
    </li>
  );
}

function stateOf({ status }: ActiveAlert): (typeof states)[number] {
  if (status.silencedBy.length > 0) {
    return 'silenced';
  }
  if (status.inhibitedBy.length > 0) {
    return 'inhibited';
  }
  return (status.mutedBy?.length ?? 0) > 0 ? 'muted' : 'active';
}

/** An alert with two receivers counts once. */
function count(alerts: ActiveAlert[]): number {
  return new Set(alerts.map((a) => a.fingerprint)).size;
}

/** The latest attempt for a group. */
function lastOf(sent: Attempt[], group: AlertGroup): Attempt | undefined {
  return sent.find((a) => a.receiver === group.receiver.name && same(a.groupLabels, group.labels));
}

function same(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
