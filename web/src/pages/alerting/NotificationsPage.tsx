import { Alert, Button, Input, useStyles2 } from '@grafana/ui';

import { alerting, type Attempt } from '../../api/alerting';
import { useUrlParams } from '../../kit/MatcherInput';
import { AlertingPage, Ago, getStyles, LabelList, ResultBadge, StateFilter } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';

const pageSize = 100;

/** Who was notified of what, when, and whether it was delivered. */
export default function NotificationsPage() {
  usePage({ breadcrumbs: [{ text: 'Alerts', to: '/alerts' }, { text: 'Notifications' }] }, 'notifications');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const [receiver, result, alertname, before] = ['receiver', 'result', 'alertname', 'before'].map((name) => params.get(name) ?? '') as [
    string,
    string,
    string,
    string,
  ];
  const { data, error } = usePolled(['notifications', receiver, result, alertname, before], () =>
    alerting.notifications({ receiver, result, alertname, before: Number(before), limit: pageSize })
  );
  const filtered = Boolean(receiver || result || alertname);
  return (
    <AlertingPage error={error} loading={false}>
      <div className={styles.bar}>
        <Input
          aria-label="Name of the alert"
          placeholder="Name of the alert"
          value={alertname}
          onChange={(e) => setParams({ alertname: e.currentTarget.value, before: undefined })}
        />
        <Input
          aria-label="Receiver"
          placeholder="Receiver"
          width={24}
          value={receiver}
          onChange={(e) => setParams({ receiver: e.currentTarget.value, before: undefined })}
        />
        <StateFilter
          value={result}
          all="All"
          options={[
            ['delivered', 'Delivered'],
            ['retrying', 'Tried again'],
            ['refused', 'Refused'],
            ['elsewhere', 'Sent by another host'],
          ]}
          onChange={(r) => setParams({ result: r, before: undefined })}
        />
      </div>
      {data?.length === 0 && (
        <Alert severity="info" title={filtered ? 'No notifications match the filter' : before ? 'No older notifications' : 'No notifications yet'}>
          {!filtered && !before && 'Notifications appear here when a receiver is notified. You can send a test from “Receivers and routes”.'}
        </Alert>
      )}
      {data && data.length > 0 && (
        <div className={styles.wide}>
          <table className={styles.table} data-testid="notifications">
            <thead>
              <tr>
                <th>When</th>
                <th>Result</th>
                <th>Receiver</th>
                <th>Group</th>
                <th>Alerts</th>
                <th>Why</th>
                <th>Took</th>
              </tr>
            </thead>
            <tbody>
              {data.map((attempt) => (
                <Row key={attempt.id} attempt={attempt} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div className={styles.line}>
        {before && (
          <Button variant="secondary" onClick={() => setParams({ before: undefined })}>
            Newest
          </Button>
        )}
        {data?.length === pageSize && (
          <Button variant="secondary" onClick={() => setParams({ before: String(data[data.length - 1]!.id) })}>
            Older
          </Button>
        )}
      </div>
    </AlertingPage>
  );
}

function Row({ attempt }: { attempt: Attempt }) {
  const styles = useStyles2(getStyles);
  return (
    <tr>
      <td data-label="When" className={styles.short}>
        <Ago time={attempt.time} />
      </td>
      <td data-label="Result">
        <ResultBadge result={attempt.result} />
        {attempt.attempt > 1 && <div className={styles.quiet}>attempt {attempt.attempt}</div>}
        {attempt.error && <div className={styles.error}>{attempt.error}</div>}
      </td>
      <td data-label="Receiver" className={styles.short}>
        {attempt.receiver}
        <div className={styles.quiet}>
          {attempt.integration}[{attempt.index}]
        </div>
      </td>
      <td data-label="Group" style={{ minWidth: 160 }}>
        <LabelList labels={attempt.groupLabels ?? {}} />
      </td>
      <td data-label="Alerts" style={{ minWidth: 120 }}>
        {attempt.firing} firing{attempt.resolved > 0 && `, ${attempt.resolved} resolved`}
        <div className={styles.quiet}>{[...new Set((attempt.alerts ?? []).map((labels) => labels['alertname'] ?? ''))].join(', ')}</div>
      </td>
      <td data-label="Why">{attempt.reason}</td>
      <td data-label="Took" className={styles.short}>
        {attempt.seconds < 1 ? `${Math.round(attempt.seconds * 1000)} ms` : `${attempt.seconds.toFixed(1)} s`}
      </td>
    </tr>
  );
}
