import { AppEvents, dateTimeFormat } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { Alert, Button, LinkButton, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import { alerting, type ActiveAlert, type Silence } from '../../api/alerting';
import { MatcherInput, useFilter, useUrlParams } from '../../kit/MatcherInput';
import { formatMatcher, fromSilenceMatcher } from '../../links/matchers';
import { AlertingPage, Ago, getStyles, mayEdit, StateBadge, StateFilter } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { address, errorMessage } from '../../runtime/backendSrv';

const order = ['active', 'pending', 'expired'];

/** All silences, with the number of alerts that each mutes. */
export default function SilencesPage() {
  usePage({ breadcrumbs: [{ text: 'Alerts', to: '/alerts' }, { text: 'Silences' }] }, 'silences');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const filter = useFilter();
  const state = params.get('state') ?? '';
  const { data, error, reload } = usePolled(['silences'], async () => {
    const [silences, alerts] = await Promise.all([alerting.silences(), alerting.alerts()]);
    return { silences, alerts };
  });
  const number = (s: string) => data?.silences.filter((one) => one.status.state === s).length ?? 0;
  const shown = (data?.silences ?? [])
    .filter((s) => (state === '' ? s.status.state !== 'expired' : s.status.state === state))
    // A filter finds silences with matchers for these labels.
    .filter((s) => filter.shows(Object.fromEntries(s.matchers.map((m) => [m.name, m.value])), [s.comment, s.createdBy]))
    .sort((a, b) => order.indexOf(a.status.state) - order.indexOf(b.status.state) || b.updatedAt.localeCompare(a.updatedAt));
  return (
    <AlertingPage error={error} loading={!data}>
      <div className={styles.bar}>
        <MatcherInput filter={filter} />
        <StateFilter value={state} all="Now and to come" options={order.map((s) => [s, `${s} (${number(s)})`])} onChange={(s) => setParams({ state: s })} />
        {mayEdit() && (
          <LinkButton icon="bell-slash" href={address('/alerts/silences/new')}>
            New silence
          </LinkButton>
        )}
      </div>
      {data && shown.length === 0 && (
        <Alert severity="info" title="Silence not found">
          To silence an alert, choose “Silence” beside it under “Alerts”.
        </Alert>
      )}
      {shown.length > 0 && (
        <ul className={`${styles.card} ${styles.list}`}>
          {shown.map((s) => (
            <One key={s.id} silence={s} alerts={data!.alerts} onChanged={reload} />
          ))}
        </ul>
      )}
    </AlertingPage>
  );
}

function One({ silence, alerts, onChanged }: { silence: Silence; alerts: ActiveAlert[]; onChanged: () => void }) {
  const styles = useStyles2(getStyles);
  const { state } = silence.status;
  const kept = alerts.filter((a) => a.status.silencedBy.includes(silence.id)).length;
  const expire = async () => {
    try {
      await alerting.expireSilence(silence.id);
      getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: ['Silence expired'] });
    } catch (err) {
      getAppEvents().publish({ type: AppEvents.alertError.name, payload: ['The silence could not be expired', errorMessage(err)] });
    }
    onChanged();
  };
  return (
    <li className={styles.item} data-testid="silence" data-state={state}>
      <div className={styles.line}>
        <StateBadge state={state === 'active' ? 'silenced' : state} />
        <span className={styles.labels}>
          {silence.matchers.map((m, i) => (
            <span key={i} className={styles.label}>
              {formatMatcher(fromSilenceMatcher(m))}
            </span>
          ))}
        </span>
        <span className={styles.right}>
          {mayEdit() && state !== 'expired' && (
            <Button size="sm" variant="secondary" fill="outline" onClick={expire}>
              Expire
            </Button>
          )}
          <Link className={styles.link} to={`/alerts/silences/${encodeURIComponent(silence.id)}`}>
            {!mayEdit() ? 'Show' : state === 'expired' ? 'Silence again' : 'Edit'}
          </Link>
        </span>
      </div>
      <div>{silence.comment}</div>
      <div className={styles.quiet}>
        {state === 'expired' ? (
          <>
            ended <Ago time={silence.endsAt} />
          </>
        ) : state === 'pending' ? (
          <>
            begins <Ago time={silence.startsAt} />
          </>
        ) : (
          <>
            ends <Ago time={silence.endsAt} /> ({dateTimeFormat(silence.endsAt)})
          </>
        )}
        {` · by ${silence.createdBy} · `}
        {state === 'active' && `keeps ${kept} ${kept === 1 ? 'alert' : 'alerts'} quiet`}
      </div>
    </li>
  );
}
