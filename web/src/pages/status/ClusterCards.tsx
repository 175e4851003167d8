import { formattedValueToString, getValueFormat } from '@grafana/data';
import { Badge, useStyles2, type BadgeColor } from '@grafana/ui';
import type { ReactNode } from 'react';

import type { Clusters } from '../../api/system';
import { own } from '../../boot/own';
import { getStyles } from '../../kit/parts';

const seconds = getValueFormat('s');
const short = getValueFormat('short');
const count = (n: number) => formattedValueToString(short(n, n < 1000 ? 0 : 1));

const ringStates: Record<string, BadgeColor> = {
  ACTIVE: 'green',
  PENDING: 'orange',
  JOINING: 'orange',
  LEAVING: 'orange',
  UNHEALTHY: 'red',
  UNREACHABLE: 'red',
};

/** A queue that is this much behind does not catch up by itself: Prometheus sends a sample after 5 seconds at the latest. */
const longLag = 120;

/** Members of the clusters of this process, and queues of remote_write; nothing if there are none. */
export function ClusterCards({ clusters: { alertmanager, loki, remoteWrite } }: { clusters: Clusters }) {
  return (
    <>
      {alertmanager && (
        <Card title="Alertmanager cluster" about={alertmanager.state}>
          {alertmanager.members.map((m) => (
            <Member key={m.address} color={m.reached ? 'green' : 'red'} state={m.reached ? 'reached' : 'not reached'} {...m} />
          ))}
          {alertmanager.missing > alertmanager.members.filter((m) => !m.reached).length && (
            <Problem text={`${alertmanager.missing} ${alertmanager.missing === 1 ? 'member is' : 'members are'} not reached`} />
          )}
          {alertmanager.problems?.map((text) => (
            <Problem key={text} text={text} />
          ))}
        </Card>
      )}
      {loki && loki.length > 0 && (
        <Card title="Loki ring">
          {loki.map((m) => (
            <Member key={m.name} color={own(ringStates, m.state) ?? 'darkgrey'} {...m} />
          ))}
        </Card>
      )}
      {remoteWrite && remoteWrite.length > 0 && (
        <Card title="Remote write">
          {remoteWrite.map((q) => (
            <Queue key={`${q.name} ${q.host}`} {...q} />
          ))}
        </Card>
      )}
    </>
  );
}

function Card({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  const styles = useStyles2(getStyles);
  return (
    <section className={styles.card} aria-label={title}>
      <div className={styles.head}>
        <h2>{title}</h2>
        {about && <span className={styles.quiet}>{about}</span>}
      </div>
      <ul className={styles.list}>{children}</ul>
    </section>
  );
}

function Member({ color, state, name, address, self }: { color: BadgeColor; state: string; name: string; address: string; self: boolean }) {
  const styles = useStyles2(getStyles);
  return (
    <li className={styles.item} data-testid="member">
      <div className={styles.line}>
        <Badge color={color} text={state.toLowerCase()} />
        <span className={styles.title}>{name || address}</span>
        <span className={styles.quiet}>
          {name && address}
          {self && ' (this one)'}
        </span>
      </div>
    </li>
  );
}

function Problem({ text }: { text: string }) {
  const styles = useStyles2(getStyles);
  return (
    <li className={styles.item}>
      <div className={styles.error}>{text}</div>
    </li>
  );
}

type QueueProps = NonNullable<Clusters['remoteWrite']>[number];

function Queue({ name, host, lag, pending, failed, retried }: QueueProps) {
  const styles = useStyles2(getStyles);
  const behind = lag > longLag;
  const [color, state]: [BadgeColor, string] = lag < 0 ? ['orange', 'nothing sent'] : behind ? ['red', 'behind'] : ['green', 'sending'];
  const facts = [
    lag >= 0 && `${formattedValueToString(seconds(lag, 0))} behind`,
    `${count(pending)} pending`,
    retried > 0 && `${count(retried)} sent again since the start`,
  ].filter(Boolean);
  return (
    <li className={styles.item} data-testid="queue">
      <div className={styles.line}>
        <Badge color={color} text={state} />
        <span className={styles.title}>{name}</span>
        <span className={styles.quiet}>{host}</span>
        <span>{facts.join(', ')}</span>
      </div>
      {failed > 0 && <div className={styles.error}>Samples that were rejected since the start and are missing there: {count(failed)}</div>}
    </li>
  );
}
