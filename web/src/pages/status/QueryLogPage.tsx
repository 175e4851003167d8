import { formattedValueToString, getValueFormat } from '@grafana/data';
import { Alert, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import { system, type LoggedQuery } from '../../api/system';
import { graphPath } from '../../links/addresses';
import { Ago, getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { statusTabs } from './tabs';

const seconds = getValueFormat('s');

/** Which queries were run, by whom, and how long each took. */
export default function QueryLogPage() {
  usePage({ breadcrumbs: [{ text: 'Status', to: '/admin/status' }, { text: 'Query log' }] }, 'queries');
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['query log'], system.queryLog);
  return (
    <TabbedPage label="Status" tabs={statusTabs()} error={error} loading={!data}>
      {data?.file === '' && (
        <Alert severity="info" title="The query log is disabled">
          Set a file in prometheus.yml, then reload:{' '}
          <code className={styles.code}>
            global: {'{'}query_log_file: /var/log/ausguck-queries.log{'}'}
          </code>
          . It has every query, by people and by rules.
        </Alert>
      )}
      {data && data.file !== '' && (
        <section className={styles.card} aria-label="Queries">
          <div className={styles.head}>
            <h2>The newest {data.entries.length} queries</h2>
            <span className={styles.quiet}>{data.file}</span>
          </div>
          <div className={styles.item}>
            <div className={styles.wide}>
              <table className={styles.table}>
                <thead>
                  <tr>
                    <th>When</th>
                    <th>Took</th>
                    <th>Query</th>
                    <th>By</th>
                  </tr>
                </thead>
                <tbody>
                  {data.entries.map((q, i) => (
                    <tr key={i} data-testid="logged">
                      <td data-label="When" className={styles.short}>
                        <Ago time={q.time} />
                      </td>
                      <td data-label="Took" className={styles.short}>
                        {formattedValueToString(seconds(q.stats?.timings?.evalTotalTime ?? 0, 2))}
                      </td>
                      <td data-label="Query">
                        <Link className={`${styles.link} ${styles.code}`} to={graphPath(q.params?.query ?? '')}>
                          {q.params?.query}
                        </Link>
                        {q.error && <div className={styles.error}>{q.error}</div>}
                      </td>
                      <td data-label="By">{by(q)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
        </section>
      )}
    </TabbedPage>
  );
}

function by({ ruleGroup, httpRequest }: LoggedQuery): string {
  return ruleGroup?.name ? `rule group ${ruleGroup.name}` : httpRequest ? `${httpRequest.clientIP || 'inside'} ${httpRequest.path ?? ''}` : '';
}
