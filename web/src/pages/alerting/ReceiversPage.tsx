import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Field, Input, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { alerting, type Labels, type Receiver, type Route, type Trial } from '../../api/alerting';
import { formatMatchers, matchersOf, parseMatchers } from '../../links/matchers';
import { useUrlParams } from '../../kit/MatcherInput';
import { AlertingPage, getStyles, LastNotification, mayEdit, ResultBadge } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { errorMessage } from '../../runtime/backendSrv';

/** Receivers, whether they work, and which alerts are routed to them. */
export default function ReceiversPage() {
  usePage({ breadcrumbs: [{ text: 'Alerts', to: '/alerts' }, { text: 'Receivers and routes' }] }, 'receivers');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const labels = labelsOf(params.get('labels'));
  const chosen = params.get('receiver') ?? '';
  const receivers = usePolled(['receivers'], alerting.receivers);
  const routes = usePolled(['routes', labels], () => alerting.routes(labels));
  return (
    <AlertingPage error={receivers.error ?? routes.error} loading={!receivers.data && !routes.data}>
      <section className={styles.card} aria-label="Receivers">
        <div className={styles.head}>
          <h2>Receivers</h2>
        </div>
        <ul className={styles.list}>
          {[...(receivers.data?.receivers ?? [])]
            .sort((a, b) => Number(b.name === chosen) - Number(a.name === chosen))
            .map((r) => (
              <One key={r.name} receiver={r} onTested={receivers.reload} />
            ))}
        </ul>
      </section>
      <section className={styles.card} aria-label="Routes">
        <div className={styles.head}>
          <h2>Routes</h2>
        </div>
        <div className={styles.item}>
          <WhereTo labels={labels} onAsk={(asked) => setParams({ labels: asked && JSON.stringify(asked) })} />
          {routes.data && (
            <ul className={styles.list}>
              <RouteItem route={routes.data} root />
            </ul>
          )}
        </div>
      </section>
    </AlertingPage>
  );
}

function One({ receiver, onTested }: { receiver: Receiver; onTested: () => void }) {
  const styles = useStyles2(getStyles);
  const [trials, setTrials] = useState<Trial[]>();
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    setTrials(undefined);
    setError(undefined);
    try {
      setTrials((await alerting.test(receiver.name)).integrations);
      onTested();
    } catch (err) {
      setError(errorMessage(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <li className={styles.item} data-testid="receiver">
      <div className={styles.line}>
        <span className={styles.title}>{receiver.name}</span>
        {!receiver.used && <span className={styles.quiet}>no route leads here</span>}
        <span className={styles.right}>
          {mayEdit() && receiver.integrations.length > 0 && (
            <Button size="sm" variant="secondary" icon="message" disabled={busy} onClick={test}>
              {busy ? 'Sending…' : 'Send a test'}
            </Button>
          )}
        </span>
      </div>
      {receiver.integrations.length === 0 && <div className={styles.quiet}>sends nothing</div>}
      {receiver.integrations.map((n) => (
        <div key={`${n.integration}${n.index}`} className={styles.line}>
          <code>
            {n.integration}[{n.index}]
          </code>{' '}
          <LastNotification attempt={n.last} />
        </div>
      ))}
      {error && (
        <div className={styles.error} role="alert">
          {error}
        </div>
      )}
      {trials?.map((t) => (
        <div key={t.integration} role="status" data-testid="trial">
          <span className={styles.line}>
            Test by {t.integration}: <ResultBadge result={t.result} /> after {t.seconds.toFixed(2)} s
          </span>
          {t.error && <div className={styles.error}>{t.error}</div>}
          {(t.answers ?? []).map((a, i) => (
            <pre key={i} className={styles.code}>
              {a.status}
              {'\n'}
              {a.body}
            </pre>
          ))}
        </div>
      ))}
    </li>
  );
}

/** Checks where an alert with given labels would be routed. */
function WhereTo({ labels, onAsk }: { labels?: Labels; onAsk: (labels?: Labels) => void }) {
  const [text, setText] = useState(labels ? formatMatchers(matchersOf(labels)) : '');
  const [problem, setProblem] = useState<string>();
  const ask = () => {
    try {
      const matchers = parseMatchers(text);
      const other = matchers.find((m) => m.operator !== '=');
      if (other) {
        throw new Error(`an alert has labels with values: write ${other.name}="…"`);
      }
      setProblem(undefined);
      onAsk(matchers.length > 0 ? Object.fromEntries(matchers.map((m) => [m.name, m.value])) : undefined);
    } catch (err) {
      setProblem((err as Error).message);
    }
  };
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        ask();
      }}
    >
      <Field label="Which route matches an alert with these labels?" invalid={problem !== undefined} error={problem}>
        <Input
          id="where-to"
          placeholder='{alertname="HostDown", severity="critical"}'
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          addonAfter={
            <Button type="submit" variant="secondary">
              Show
            </Button>
          }
        />
      </Field>
    </form>
  );
}

function RouteItem({ route, root }: { route: Route; root?: boolean }) {
  const styles = useStyles2(getStyles);
  const own = useStyles2(getOwnStyles);
  const times = [
    `grouped by ${route.groupBy.join(', ') || 'nothing'}`,
    `group wait ${route.groupWait}`,
    `group interval ${route.groupInterval}`,
    `repeat interval ${route.repeatInterval}`,
    ...route.muteTimeIntervals.map((t) => `muted in ${t}`),
    ...route.activeTimeIntervals.map((t) => `only in ${t}`),
  ];
  return (
    <li className={cx(own.route, route.matches && own.taken)} data-testid="route" data-matches={Boolean(route.matches)}>
      <div className={styles.line}>
        <span className={styles.code}>
          {root ? 'every alert' : route.matchers.length > 0 ? `{${route.matchers.join(', ')}}` : 'all alerts that reach this route'}
        </span>{' '}
        → <span className={styles.title}>{route.receiver}</span>
        {route.matches && <strong>the alert ends here</strong>}
        {route.continue && <span className={styles.quiet}>continues with the next route</span>}
      </div>
      <div className={styles.quiet}>{times.join(' · ')}</div>
      {route.routes.length > 0 && (
        <ul className={styles.list}>
          {route.routes.map((r) => (
            <RouteItem key={r.id} route={r} />
          ))}
        </ul>
      )}
    </li>
  );
}

function labelsOf(text: string | null): Labels | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, String(v)]))
      : undefined;
  } catch {
    return undefined;
  }
}

const getOwnStyles = (theme: GrafanaTheme2) => ({
  route: css({
    borderLeft: `3px solid ${theme.colors.border.medium}`,
    padding: theme.spacing(0.5, 1),
    margin: theme.spacing(0.5, 0),
    'li&': { marginLeft: theme.spacing(1) },
  }),
  taken: css({ borderLeftColor: theme.colors.success.border, background: theme.colors.success.transparent }),
});
