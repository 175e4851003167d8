import { LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { Fragment } from 'react';
import { Link } from 'react-router-dom';

import { alerting, type Attempt, type Labels, type Route } from '../../api/alerting';
import { getStyles, LastNotification } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';

/** The paths from the root of the routing tree to each route where an alert ends up. */
export function pathsOf(route: Route): Route[][] {
  const below = route.routes.flatMap(pathsOf).map((path) => [route, ...path]);
  return route.matches ? [[route], ...below] : below;
}

/** The path of an alert: rule → routes → receiver → result of the last notification. */
export function Path({ labels, last }: { labels: Labels; last: Attempt[] }) {
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['routes', labels], () => alerting.routes(labels));
  if (error) {
    return <div className={styles.error}>{error}</div>;
  }
  if (!data) {
    return <LoadingPlaceholder text="" />;
  }
  return (
    <div data-testid="path">
      {pathsOf(data).map((path) => {
        const { receiver } = path.at(-1)!;
        return (
          <div key={path.map((r) => r.id).join()} className={styles.line}>
            <span>
              rule{' '}
              <Link className={styles.link} to={`/alerts/rules?filter=${encodeURIComponent(`{alertname=${JSON.stringify(labels['alertname'] ?? '')}}`)}`}>
                {labels['alertname']}
              </Link>
            </span>
            {path.map((route, i) => (
              <Fragment key={route.id}>
                →{' '}
                <span className={styles.code}>
                  {i === 0 ? 'every alert' : route.matchers.length > 0 ? `{${route.matchers.join(', ')}}` : 'all that come here'}
                </span>
              </Fragment>
            ))}
            →{' '}
            <span>
              receiver{' '}
              <Link className={styles.link} to={`/alerts/receivers?receiver=${encodeURIComponent(receiver)}`}>
                {receiver}
              </Link>
            </span>
            → <LastNotification attempt={last.find((a) => a.receiver === receiver && a.alerts.some((l) => l['alertname'] === labels['alertname']))} />
          </div>
        );
      })}
    </div>
  );
}
