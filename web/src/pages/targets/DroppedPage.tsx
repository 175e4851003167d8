import { Alert, FilterInput, useStyles2 } from '@grafana/ui';

import { system } from '../../api/system';
import { useUrlParams } from '../../kit/MatcherInput';
import { getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { Relabelling } from './Relabelling';
import { tabs } from './tabs';

const most = 50;

/** Discovered targets that relabeling dropped, with the rule. */
export default function DroppedPage() {
  usePage({ breadcrumbs: [{ text: 'Targets', to: '/targets' }, { text: 'Dropped' }] }, 'dropped');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const filter = params.get('filter') ?? '';
  const { data, error } = usePolled(['dropped targets'], system.dropped);
  const shown = (data ?? []).filter((t) => `${t.scrapePool} ${JSON.stringify(t.discoveredLabels)}`.toLowerCase().includes(filter.toLowerCase()));
  return (
    <TabbedPage label="Targets" tabs={tabs} error={error} loading={!data}>
      <FilterInput
        aria-label="Filter dropped targets"
        placeholder="Part of a job or label"
        value={filter}
        onChange={(f) => setParams({ filter: f })}
        escapeRegex={false}
        width={0}
      />
      {data?.length === 0 && (
        <Alert severity="success" title="No target was dropped">
          All discovered targets are scraped.
        </Alert>
      )}
      {data && data.length > 0 && shown.length === 0 && <Alert severity="info" title="No dropped targets match the filter" />}
      {shown.length > most && (
        <Alert severity="warning" title={`${most} of ${shown.length} targets are shown`}>
          Narrow the filter.
        </Alert>
      )}
      {shown.slice(0, most).map((t) => (
        <section
          key={t.scrapePool + JSON.stringify(t.discoveredLabels)}
          className={styles.card}
          data-testid="dropped"
          aria-label={`Dropped by ${t.scrapePool}`}
        >
          <div className={styles.head}>
            <h2>{nameOf(t.discoveredLabels)}</h2>
            <span className={styles.quiet}>of the job {t.scrapePool}</span>
          </div>
          <div className={styles.item}>
            <Relabelling pool={t.scrapePool} labels={t.discoveredLabels} />
          </div>
        </section>
      ))}
    </TabbedPage>
  );
}

function nameOf(labels: Record<string, string>): string {
  return labels['__meta_docker_container_name']?.replace(/^\//, '') ?? labels['__address__'] ?? 'a target without an address';
}
