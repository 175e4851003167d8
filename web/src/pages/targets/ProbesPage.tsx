import { Alert, Badge, Button, ConfirmButton, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { system, type KnownProbe } from '../../api/system';
import { DocLinks } from '../../kit/DocLinks';
import { getStyles, mayEdit, StateFilter } from '../../kit/parts';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { useUrlParams } from '../../kit/MatcherInput';
import { usePolled } from '../../runtime/usePolled';
import { useDoing } from '../settings/Ask';
import { ProbeForm } from './ProbeForm';
import { domainText, probed, probeQueries, sourceOf, type Probed } from './probes';
import { tabs } from './tabs';

const states = { down: 'down', up: 'up', waiting: 'waiting' } as const;
const stateOf = (p: Probed): keyof typeof states => (p.up === undefined ? 'waiting' : p.up ? 'up' : 'down');

/** What is probed from outside, with its state, and the form that adds a target. */
export default function ProbesPage() {
  usePage({ breadcrumbs: [{ text: 'Targets', to: '/targets' }, { text: 'Probes' }] }, 'probes');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const state = params.get('state') ?? '';
  const { data, error, reload } = usePolled(
    ['probes'],
    async () => {
      const [known, up, duration, day, certificate] = await Promise.all([
        system.probes(),
        system.query(probeQueries.up),
        system.query(probeQueries.duration),
        system.query(probeQueries.day),
        system.query(probeQueries.certificate),
      ]);
      return { known, all: probed(known.probes, { up, duration, day, certificate }) };
    },
    5_000
  );
  const all = data?.all ?? [];
  const shown = all.filter((p) => state === '' || stateOf(p) === state);
  return (
    <TabbedPage label="Targets" tabs={tabs} error={error} loading={!data}>
      {data?.known.remedy && data.known.probes.length > 0 && (
        <Alert severity="warning" title="Prometheus does not scrape these probes">
          <DocLinks text={data.known.remedy} />
        </Alert>
      )}
      {mayEdit() && (
        <section className={styles.card} aria-label="Watch a URL">
          <ProbeForm save={(probe) => system.addProbe(probe).then(reload)} />
        </section>
      )}
      {data && all.length === 0 && (
        <Alert severity="info" title="Nothing is probed">
          Watch a URL with the form above, list targets in probes.yml, or add the label prometheus.io/probe to a container.
        </Alert>
      )}
      {all.length > 0 && (
        <StateFilter
          value={state}
          all={`All (${all.length})`}
          options={(Object.keys(states) as Array<keyof typeof states>)
            .filter((s) => s === state || all.some((p) => stateOf(p) === s))
            .map((s) => [s, `${states[s]} (${all.filter((p) => stateOf(p) === s).length})`])}
          onChange={(s) => setParams({ state: s })}
        />
      )}
      {shown.length > 0 && (
        <section className={styles.card} aria-label="Probes">
          <ul className={styles.list}>
            {shown.map((p) => (
              <One key={p.key} probed={p} onChange={reload} />
            ))}
          </ul>
        </section>
      )}
    </TabbedPage>
  );
}

function One({ probed: p, onChange }: { probed: Probed; onChange: () => void }) {
  const styles = useStyles2(getStyles);
  const { act, problem } = useDoing();
  const [log, setLog] = useState<string>();
  const [editing, setEditing] = useState(false);
  const state = stateOf(p);
  const { probe } = p;
  return (
    <li className={styles.item} data-testid="probe" data-state={state}>
      <div className={styles.line}>
        <Badge color={state === 'up' ? 'green' : state === 'down' ? 'red' : 'blue'} text={states[state]} />
        <span className={styles.title}>{p.title}</span>
        <span className={styles.quiet}>{[p.group, p.title !== p.target && p.target, ...facts(p), sourceOf(p)].filter(Boolean).join(' · ')}</span>
        <span className={styles.right}>
          {probe && mayEdit() && (
            <Button
              size="sm"
              variant="secondary"
              fill="outline"
              aria-expanded={log !== undefined}
              onClick={() => (log === undefined ? void act(async () => setLog(await system.probeNow(probe.address, probe.scrapeModule))) : setLog(undefined))}
            >
              {log === undefined ? 'Probe now' : 'Hide log'}
            </Button>
          )}
          {probe?.editable && mayEdit() && (
            <Button size="sm" variant="secondary" fill="outline" aria-expanded={editing} onClick={() => setEditing(!editing)}>
              Edit
            </Button>
          )}
          {probe?.editable && mayEdit() && (
            <ConfirmButton
              size="sm"
              confirmText="Remove"
              confirmVariant="destructive"
              onConfirm={() => void act(() => system.removeProbe(probe.name)).then(onChange)}
            >
              <Button size="sm" variant="secondary" fill="outline">
                Remove
              </Button>
            </ConfirmButton>
          )}
        </span>
      </div>
      {state === 'waiting' && <div className={styles.quiet}>It is probed within one interval.</div>}
      {state === 'down' && probe?.reason && <div className={styles.error}>{probe.reason}</div>}
      {probe && <Expectation probe={probe} />}
      {probe?.domain && <div className={styles.quiet}>{domainText(probe.domain, new Date())}</div>}
      {editing && probe && (
        <section aria-label={`Edit ${p.title}`}>
          <ProbeForm
            edited={probe}
            save={async (changed) => {
              await system.changeProbe(probe.name, changed);
              setEditing(false);
              onChange();
            }}
            onCancel={() => setEditing(false)}
          />
        </section>
      )}
      {log !== undefined && (
        <pre tabIndex={0} aria-label={`Log of a probe of ${p.title}`}>
          {log.split('\n\n\nModule configuration:')[0]}
        </pre>
      )}
      {problem}
    </li>
  );
}

const day = 86_400;

function facts(p: Probed): string[] {
  return [
    p.duration !== undefined ? `${Math.round(p.duration * 1000)} ms` : '',
    p.day !== undefined ? `${(Math.floor(p.day * 10_000) / 100).toString()} % of the last day` : '',
    p.certificate !== undefined ? `certificate ${Math.floor(p.certificate / day)} days` : '',
  ];
}

function Expectation({ probe }: { probe: KnownProbe }) {
  const styles = useStyles2(getStyles);
  const e = probe.expect ?? {};
  const parts = [
    `every ${probe.interval}`,
    probe.module && `module ${probe.module}`,
    e.status && `status ${e.status.join(', ')}`,
    e.text && `text ${e.text}`,
    e.not_text && `not ${e.not_text}`,
    e.json && `JSON ${JSON.stringify(e.json)}`,
    e.answer && `answer ${e.answer}`,
    e.max_duration && `slow above ${e.max_duration}`,
    e.certificate_days && `certificate for ${e.certificate_days} days`,
    e.domain_days && `domain for ${e.domain_days} days`,
    probe.depends_on && `depends on ${probe.depends_on.join(', ')}`,
  ];
  return <div className={styles.quiet}>{parts.filter(Boolean).join(' · ')}</div>;
}
