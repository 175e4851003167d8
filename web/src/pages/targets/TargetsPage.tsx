import { formattedValueToString, getValueFormat } from '@grafana/data';
import { Alert, Badge, Button, FilterInput, useStyles2 } from '@grafana/ui';
import { groupBy } from 'lodash';
import { useState } from 'react';
import { Link } from 'react-router-dom';

import { system, type Target } from '../../api/system';
import { useUrlParams } from '../../kit/MatcherInput';
import { graphPath } from '../../links/addresses';
import { formatMatchers, matchersOf } from '../../links/matchers';
import { Ago, getStyles, LabelList, StateFilter } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { logsPath, selectorOf } from '../../links/related';
import { Relabelling } from './Relabelling';
import { tabs } from './tabs';

const seconds = getValueFormat('s');
const time = (value: number) => formattedValueToString(seconds(value, 2));

/** A list of more targets than this would be unreadable. */
const most = 500;

interface Counts {
  samples: Map<string, number>;
  limits: Map<string, number>;
}

/** What is scraped, with which result, and how close it is to its limits. */
export default function TargetsPage() {
  usePage({ breadcrumbs: [{ text: 'Targets' }] }, 'targets');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const state = params.get('state') ?? '';
  const filter = params.get('filter') ?? '';
  const { data, error } = usePolled(['targets'], async () => {
    const [targets, samples, limits] = await Promise.all([system.targets(), counts('scrape_samples_scraped'), counts('scrape_sample_limit > 0')]);
    return { targets, counts: { samples, limits } };
  });
  const all = data?.targets ?? [];
  const shown = all.filter(
    (t) =>
      (state === '' || t.health === state) &&
      `${t.scrapePool} ${t.scrapeUrl} ${t.lastError} ${JSON.stringify(t.labels)}`.toLowerCase().includes(filter.toLowerCase())
  );
  const pools = Object.entries(groupBy(shown.slice(0, most), (t) => t.scrapePool)).sort(([a, x], [b, y]) => down(y) - down(x) || a.localeCompare(b));
  const number = (health: string) => all.filter((t) => t.health === health).length;
  return (
    <TabbedPage label="Targets" tabs={tabs} error={error} loading={!data}>
      <div className={styles.bar}>
        <FilterInput
          aria-label="Filter targets"
          placeholder="Part of a job, address, label or error"
          value={filter}
          onChange={(f) => setParams({ filter: f })}
          escapeRegex={false}
          width={0}
        />
        <StateFilter
          value={state}
          all={`All (${all.length})`}
          options={['down', 'unknown', 'up'].map((s) => [s, `${s} (${number(s)})`])}
          onChange={(s) => setParams({ state: s })}
        />
      </div>
      {data && all.length === 0 && (
        <Alert severity="info" title="Nothing is scraped">
          A container is scraped if it has the label <code>prometheus.io/scrape: &quot;true&quot;</code>; anything else, when a job of prometheus.yml names it.
          “Containers” says what is missing.
        </Alert>
      )}
      {all.length > 0 && shown.length === 0 && <Alert severity="info" title="No targets match the filter" />}
      {shown.length > most && (
        <Alert severity="warning" title={`${most} of ${shown.length} targets are shown`}>
          Narrow the filter.
        </Alert>
      )}
      {pools.map(([pool, targets]) => (
        <section key={pool} className={styles.card} aria-label={`Job ${pool}`}>
          <div className={styles.head}>
            <h2>{pool}</h2>
            <span className={down(targets) > 0 ? styles.error : styles.quiet}>
              {targets.length - down(targets)} of {targets.length} up
            </span>
            <span className={styles.right}>
              <span className={styles.quiet}>
                every {targets[0]!.scrapeInterval}, at most {targets[0]!.scrapeTimeout}
              </span>
            </span>
          </div>
          <ul className={styles.list}>
            {targets.map((t) => (
              <One key={t.scrapeUrl + JSON.stringify(t.labels)} target={t} counts={data!.counts} />
            ))}
          </ul>
        </section>
      ))}
    </TabbedPage>
  );
}

function down(targets: Target[]): number {
  return targets.filter((t) => t.health === 'down').length;
}

const key = (labels: Record<string, string>) => `${labels['job']}\n${labels['instance']}`;

async function counts(expr: string): Promise<Map<string, number>> {
  return new Map((await system.query(expr)).map(({ metric, value }) => [key(metric), value]));
}

function One({ target, counts: { samples, limits } }: { target: Target; counts: Counts }) {
  const styles = useStyles2(getStyles);
  const [open, setOpen] = useState(false);
  const { labels, health, lastError } = target;
  const logs = selectorOf([labels]);
  const number = samples.get(key(labels));
  const limit = limits.get(key(labels));
  return (
    <li className={styles.item} data-testid="target" data-health={health}>
      <div className={styles.line}>
        <Badge color={{ up: 'green', down: 'red', unknown: 'darkgrey' }[health] as 'green'} text={health} />
        <span className={styles.title}>{target.scrapeUrl}</span>
        <span className={styles.right}>
          <Link className={styles.link} to={graphPath(`up${formatMatchers(matchersOf({ job: labels['job'] ?? '', instance: labels['instance'] ?? '' }))}`)}>
            Graph
          </Link>
          {logs && (
            <Link className={styles.link} to={logsPath(logs, {})}>
              Logs
            </Link>
          )}
          <Button size="sm" variant="secondary" fill="outline" aria-expanded={open} onClick={() => setOpen(!open)}>
            Relabelling
          </Button>
        </span>
      </div>
      <div className={styles.quiet}>
        {target.lastScrape.startsWith('0001') ? (
          'not scraped yet'
        ) : (
          <>
            scraped <Ago time={target.lastScrape} /> in {time(target.lastScrapeDuration)}
          </>
        )}
        {number !== undefined && `, ${number.toLocaleString()} samples`}
        {number !== undefined && limit !== undefined && ` of at most ${limit.toLocaleString()}`}
        {number !== undefined && limit !== undefined && number > 0.8 * limit && <strong className={styles.error}> – close to sample_limit</strong>}
      </div>
      {lastError && (
        <div className={styles.error} role="alert">
          {lastError}
          {/limit/.test(lastError) && ' – a limit of prometheus.yml was hit: nothing of this scrape was stored. “Status” shows which label explodes.'}
        </div>
      )}
      <LabelList labels={labels} />
      {open && <Relabelling pool={target.scrapePool} labels={target.discoveredLabels} />}
    </li>
  );
}
