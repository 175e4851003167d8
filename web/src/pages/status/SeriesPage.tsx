import { dateTimeFormat } from '@grafana/data';
import { Alert, Button, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';

import { system, type TsdbStat } from '../../api/system';
import { graphPath } from '../../links/addresses';
import { getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { bytesText } from './StatusPage';
import { statusTabs } from './tabs';

/** The metrics and labels with the most series, and the targets that send them. */
export default function SeriesPage() {
  usePage({ breadcrumbs: [{ text: 'Status', to: '/admin/status' }, { text: 'Series' }] }, 'series');
  const { data, error } = usePolled(['tsdb'], system.tsdb);
  const head = data?.headStats;
  return (
    <TabbedPage label="Status" tabs={statusTabs()} error={error} loading={!data}>
      {data && head && (
        <>
          <p>
            {head.numSeries.toLocaleString()} series with {head.numLabelPairs.toLocaleString()} pairs of label and value are in memory
            {head.numSeries > 0 && `, since ${dateTimeFormat(head.minTime)}`}. A label whose values never end – user ids, paths, trace ids – is what makes them
            many.
          </p>
          <Offenders
            title="Metrics with the most series"
            unit="series"
            stats={data.seriesCountByMetricName}
            selector={(name) => `{__name__=${JSON.stringify(name)}}`}
          />
          <Offenders
            title="Labels with the most values"
            unit="values"
            stats={data.labelValueCountByLabelName}
            selector={(name) => (name === '__name__' ? '{__name__!=""}' : `{${JSON.stringify(name)}!=""}`)}
          />
          <Offenders
            title="Labels with the highest memory usage"
            unit=""
            stats={data.memoryInBytesByLabelName}
            selector={(name) => `{${JSON.stringify(name)}!=""}`}
          />
          <Offenders
            title="Label pairs with the most series"
            unit="series"
            stats={data.seriesCountByLabelValuePair}
            selector={(pair) => `{${JSON.stringify(pair.slice(0, pair.indexOf('=')))}=${JSON.stringify(pair.slice(pair.indexOf('=') + 1))}}`}
          />
        </>
      )}
    </TabbedPage>
  );
}

interface Props {
  title: string;
  unit: string;
  stats: TsdbStat[] | null;
  selector: (name: string) => string;
}

function Offenders({ title, unit, stats, selector }: Props) {
  const styles = useStyles2(getStyles);
  const [open, setOpen] = useState<string>();
  return (
    <section className={styles.card} aria-label={title}>
      <div className={styles.head}>
        <h2>{title}</h2>
      </div>
      <ul className={styles.list}>
        {(stats ?? []).length === 0 && <li className={styles.item}>No data yet.</li>}
        {(stats ?? []).map(({ name, value }) => (
          <li key={name} className={styles.item} data-testid="offender">
            <div className={styles.line}>
              <span className={styles.title}>{name}</span>{' '}
              <span>{unit === '' ? bytesText(value) : `${value.toLocaleString()} ${value === 1 ? unit.replace(/values$/, 'value') : unit}`}</span>
              <span className={styles.right}>
                <Link className={styles.link} to={graphPath(`topk(20, count by (__name__) (${selector(name)}))`)}>
                  Graph
                </Link>
                <Button size="sm" variant="secondary" fill="outline" aria-expanded={open === name} onClick={() => setOpen(open === name ? undefined : name)}>
                  Sources
                </Button>
              </span>
            </div>
            {open === name && <Senders selector={selector(name)} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Senders({ selector }: { selector: string }) {
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['series', selector], () => system.query(`topk(10, count by (job, instance) (${selector}))`));
  if (error) {
    return (
      <Alert severity="error" title="The series could not be counted">
        {error}
      </Alert>
    );
  }
  if (!data) {
    return <LoadingPlaceholder text="" />;
  }
  return (
    <table className={styles.table} data-testid="senders">
      <tbody>
        {data
          .sort((a, b) => b.value - a.value)
          .map(({ metric, value }) => (
            <tr key={JSON.stringify(metric)}>
              <td>{value.toLocaleString()} series</td>
              <td>
                {metric['job'] ? (
                  <Link className={styles.link} to={`/targets?filter=${encodeURIComponent(metric['instance'] ?? metric['job'])}`}>
                    job {metric['job']}, instance {metric['instance']}
                  </Link>
                ) : (
                  'made by rules or pushed, without a job'
                )}
              </td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
