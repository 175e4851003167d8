import { Alert, Badge, useStyles2, type BadgeColor } from '@grafana/ui';
import { Link } from 'react-router-dom';

import { system, type Container } from '../../api/system';
import { useUrlParams } from '../../kit/MatcherInput';
import { formatMatchers, matchersOf } from '../../links/matchers';
import { getStyles, StateFilter } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { logsPath } from '../../links/related';
import { LogsOfContainer } from './LogsOfContainer';
import { Remedy } from './Remedy';
import { tabs } from './tabs';

const colors: Record<Container['state'], BadgeColor> = {
  restarting: 'red',
  failing: 'red',
  unseen: 'orange',
  exited: 'darkgrey',
  dropped: 'darkgrey',
  waiting: 'blue',
  scraped: 'green',
};
const texts: Record<Container['state'], string> = {
  restarting: 'crash loop',
  failing: 'fails',
  unseen: 'not found',
  exited: 'exited',
  dropped: 'not scraped',
  waiting: 'waiting',
  scraped: 'scraped',
};

/** Why each container is scraped or not, and whether its logs are collected. */
export default function ContainersPage() {
  usePage({ breadcrumbs: [{ text: 'Targets', to: '/targets' }, { text: 'Containers' }] }, 'containers');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const state = params.get('state') ?? '';
  const { data, error } = usePolled(['containers'], system.containers);
  const all = data?.containers ?? [];
  const shown = all.filter((c) => state === '' || c.state === state);
  return (
    <TabbedPage label="Targets" tabs={tabs} error={error} loading={!data}>
      {data && !data.docker.enabled && (
        <Alert severity="info" title="Docker is disabled">
          Ausguck was started with --no-docker.
        </Alert>
      )}
      {data?.docker.enabled && !data.docker.connected && (
        <Alert severity="warning" title={`Docker at ${data.docker.endpoint} is not responding: ${data.docker.reason}`}>
          {data.docker.remedy}
        </Alert>
      )}
      {data?.docker.connected && data.docker.reason && (
        <Alert severity="warning" title={`Docker at ${data.docker.endpoint} does not permit all that discovery needs: ${data.docker.reason}`}>
          {data.docker.remedy}
        </Alert>
      )}
      {data?.docker.connected && all.length === 0 && (
        <Alert severity="info" title="There are no containers">
          New containers appear here within seconds.
        </Alert>
      )}
      {all.length > 0 && (
        <StateFilter
          value={state}
          all={`All (${all.length})`}
          options={(Object.keys(texts) as Array<Container['state']>)
            .filter((s) => s === state || all.some((c) => c.state === s))
            .map((s) => [s, `${texts[s]} (${all.filter((c) => c.state === s).length})`])}
          onChange={(s) => setParams({ state: s })}
        />
      )}
      {shown.length > 0 && (
        <section className={styles.card} aria-label="Containers">
          <ul className={styles.list}>
            {shown.map((c) => (
              <li key={c.name} className={styles.item} data-testid="container" data-state={c.state}>
                <div className={styles.line}>
                  <Badge color={colors[c.state]} text={texts[c.state]} />
                  <span className={styles.title}>{c.name}</span>
                  <span className={styles.quiet}>
                    {c.image}
                    {c.health && ` · ${c.health}`} · network {c.network}
                    {c.restarts ? ` · restarted ${c.restarts === 1 ? 'once' : `${c.restarts} times`}` : ''}
                  </span>
                  <span className={styles.right}>
                    <Link className={styles.link} to={logsPath(formatMatchers(matchersOf({ container: c.name })), {})}>
                      Logs
                    </Link>
                  </span>
                </div>
                <div>{c.reason}</div>
                <Remedy text={c.remedy} lines={c.lines} />
                {c.rule && <div className={styles.quiet}>{c.rule}</div>}
                <LogsOfContainer logs={c.logs} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </TabbedPage>
  );
}
