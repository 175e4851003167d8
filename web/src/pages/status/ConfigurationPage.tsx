import { FilterInput, useStyles2 } from '@grafana/ui';

import { system } from '../../api/system';
import { useUrlParams } from '../../kit/MatcherInput';
import { getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { may } from '../../boot/role';
import { statusTabs } from './tabs';

/** The loaded configuration files, without secrets, and the flags. */
export default function ConfigurationPage() {
  usePage({ breadcrumbs: [{ text: 'Status', to: '/admin/status' }, { text: 'Configuration' }] }, 'configuration');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const filter = params.get('filter') ?? '';
  const { data, error } = usePolled(['configuration'], async () => {
    // The configuration of logs is only available to admins.
    const [prometheus, alertmanager, logs, flags] = await Promise.all([
      system.prometheusConfig(),
      system.alertmanagerConfig().catch(() => undefined),
      may('Admin') ? system.logConfigs() : {},
      system.flags(),
    ]);
    return { files: Object.entries({ 'prometheus.yml': prometheus, 'alertmanager.yml': alertmanager, ...logs }), flags };
  });
  const flags = Object.entries(data?.flags ?? {})
    .filter(([name, value]) => `${name}=${value}`.includes(filter))
    .sort();
  return (
    <TabbedPage label="Status" tabs={statusTabs()} error={error} loading={!data}>
      {data?.files.map(
        ([name, text]) =>
          text && (
            <section key={name} className={styles.card} aria-label={name}>
              <div className={styles.head}>
                <h2>{name}</h2>
                <span className={styles.quiet}>as loaded, secrets left out</span>
              </div>
              <pre tabIndex={0} className={styles.code} style={{ maxHeight: '50vh', overflow: 'auto', margin: 0, border: 'none' }}>
                {text}
              </pre>
            </section>
          )
      )}
      <section className={styles.card} aria-label="Flags">
        <div className={styles.head}>
          <h2>Flags</h2>
        </div>
        <div className={styles.item}>
          <FilterInput
            aria-label="Filter flags"
            placeholder="Part of a flag"
            value={filter}
            onChange={(f) => setParams({ filter: f })}
            escapeRegex={false}
            width={0}
          />
          <table className={styles.table}>
            <tbody>
              {flags.map(([name, value]) => (
                <tr key={name}>
                  <td style={{ overflowWrap: 'anywhere' }}>
                    <code style={{ whiteSpace: 'pre-wrap' }}>--{name}</code>
                  </td>
                  <td style={{ overflowWrap: 'anywhere' }}>{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </TabbedPage>
  );
}
