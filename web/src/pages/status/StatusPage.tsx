import { formattedValueToString, getValueFormat } from '@grafana/data';
import { Alert, Badge, Button, useStyles2, type BadgeColor } from '@grafana/ui';
import { useState } from 'react';

import { system } from '../../api/system';
import { DocLinks } from '../../kit/DocLinks';
import { Ago, getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { may } from '../../boot/role';
import { useDoing } from '../settings/Ask';
import { ClusterCards } from './ClusterCards';
import { statusTabs } from './tabs';
import { UpdateNotice } from './UpdateNotice';
import { own } from '../../boot/own';

const bytes = getValueFormat('bytes');
export const bytesText = (n: number) => formattedValueToString(bytes(n, 1));

const phases: Record<string, BadgeColor> = {
  ready: 'green',
  starting: 'orange',
  waiting: 'orange',
  stopping: 'orange',
  stopped: 'darkgrey',
  down: 'red',
  failed: 'red',
};

/** The parts of this process, what they store, and a reload button. */
export default function StatusPage() {
  usePage({ breadcrumbs: [{ text: 'Status' }] }, 'status');
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['status'], system.status);
  return (
    <TabbedPage label="Status" tabs={statusTabs()} error={error} loading={!data}>
      {data && (
        <>
          <div className={styles.bar}>
            <span>
              Ausguck {data.version} on {data.host}, started <Ago time={data.started} />
            </span>
            {may('Admin') && <Reload />}
          </div>
          <UpdateNotice update={data.update} version={data.version} />
          {data.disk.full && (
            <Alert severity="error" title="The disk is full">
              {data.disk.full}
            </Alert>
          )}
          {data.disk.scarce && !data.disk.full && (
            <Alert severity="warning" title="The disk is nearly full">
              New data will be rejected soon.
            </Alert>
          )}
          <section className={styles.card} aria-label="Parts">
            <div className={styles.head}>
              <h2>Parts</h2>
            </div>
            <ul className={styles.list}>
              {data.parts.map((p) => (
                <li key={p.name} className={styles.item} data-testid="part" data-phase={p.phase}>
                  <div className={styles.line}>
                    <Badge color={own(phases, p.phase) ?? 'darkgrey'} text={p.phase} />
                    <span className={styles.title}>{p.name}</span>
                    <span className={styles.quiet}>
                      since <Ago time={p.since} />
                    </span>
                  </div>
                  {p.says && (
                    <div className={p.wrong ? styles.error : styles.quiet}>
                      <DocLinks text={p.says} />
                    </div>
                  )}
                </li>
              ))}
            </ul>
          </section>
          {data.warnings.length > 0 && (
            <section className={styles.card} aria-label="Configuration warnings">
              <div className={styles.head}>
                <h2>Configuration warnings</h2>
              </div>
              <ul className={styles.list}>
                {data.warnings.map((warning, i) => (
                  <li key={i} className={styles.item} data-testid="warning" style={{ overflowWrap: 'anywhere' }}>
                    {warning}
                  </li>
                ))}
              </ul>
            </section>
          )}
          <ClusterCards clusters={data.clusters} />
          <section className={styles.card} aria-label="Storage">
            <div className={styles.head}>
              <h2>Storage</h2>
              {data.disk.size > 0 && (
                <span className={styles.quiet}>
                  the disk has {bytesText(data.disk.free)} of {bytesText(data.disk.size)} free
                </span>
              )}
            </div>
            <ul className={styles.list}>
              {data.storage.map((s) => (
                <li key={s.name} className={styles.item} data-testid="storage">
                  <div className={styles.line}>
                    <span className={styles.title}>{s.name}</span>
                    <span>
                      {bytesText(s.bytes)}
                      {s.limit > 0 && ` of at most ${bytesText(s.limit)}`}
                      {s.retention && `, kept for ${s.retention}`}
                    </span>
                  </div>
                  {s.limit > 0 && (
                    <meter aria-label={`${s.name} of their cap`} min={0} max={s.limit} high={0.85 * s.limit} value={s.bytes} style={{ width: '100%' }} />
                  )}
                </li>
              ))}
            </ul>
          </section>
          <section className={styles.card} aria-label="Versions">
            <div className={styles.head}>
              <h2>Versions</h2>
            </div>
            <div className={styles.item}>
              <table className={styles.table}>
                <tbody>
                  {[{ Name: 'Ausguck', Version: `${data.version} (${data.revision.slice(0, 10)})` }, ...data.embedded].map((e) => (
                    <tr key={e.Name}>
                      <td>{e.Name}</td>
                      <td>{e.Version}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        </>
      )}
    </TabbedPage>
  );
}

/** Reloads all files; if there are errors, they are listed and nothing changes. */
function Reload() {
  const { busy, act, problem } = useDoing();
  const [answer, setAnswer] = useState<{ reloaded: boolean; problems: string[] }>();
  return (
    <>
      <Button icon="sync" variant="secondary" disabled={busy} onClick={() => void act(async () => setAnswer(await system.reload()))}>
        {busy ? 'Reloading…' : 'Reload the configuration'}
      </Button>
      {problem}
      {answer?.reloaded && <Alert severity="success" title="Configuration reloaded" onRemove={() => setAnswer(undefined)} />}
      {answer && !answer.reloaded && (
        <Alert
          severity="error"
          title={`Nothing was changed: ${answer.problems.length} ${answer.problems.length === 1 ? 'problem' : 'problems'}`}
          onRemove={() => setAnswer(undefined)}
        >
          <ul data-testid="problems">
            {answer.problems.map((p, i) => (
              <li key={i}>
                <code style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{p}</code>
              </li>
            ))}
          </ul>
        </Alert>
      )}
    </>
  );
}
