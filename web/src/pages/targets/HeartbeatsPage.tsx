import { css } from '@emotion/css';
import { formattedValueToString, getValueFormat } from '@grafana/data';
import { Alert, Badge, Button, ConfirmButton, useStyles2 } from '@grafana/ui';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router-dom';

import { heartbeats, type Definition, type Heartbeat, type Heartbeats } from '../../api/heartbeats';
import { copyText } from '../../dashboard/scene/panelActions';
import { DocLink } from '../../kit/DocLinks';
import { useUrlParams } from '../../kit/MatcherInput';
import { usePage } from '../../kit/page';
import { Ago, getStyles, LabelList, mayEdit, StateFilter } from '../../kit/parts';
import { TabbedPage } from '../../kit/Tabs';
import { logsPath } from '../../links/related';
import { address } from '../../runtime/backendSrv';
import { usePolled } from '../../runtime/usePolled';
import { useDoing } from '../settings/Ask';
import { HeartbeatForm } from './HeartbeatForm';
import { crontabLine, scheduleOf, sorted, stateOf, states } from './heartbeats';
import { tabs } from './tabs';

const seconds = getValueFormat('s');
const time = (value: number) => formattedValueToString(seconds(value, 1));

/** A token, which the server tells only once. */
interface Told {
  definition: Definition;
  token: string;
}

/** The cron jobs and backups that report, with their state, and the form that adds one. */
export default function HeartbeatsPage() {
  usePage({ breadcrumbs: [{ text: 'Targets', to: '/targets' }, { text: 'Heartbeats' }] }, 'heartbeats');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const state = params.get('state') ?? '';
  const [told, setTold] = useState<Told>();
  const { data, error, reload } = usePolled(['heartbeats'], heartbeats.list, 5_000);
  const all = sorted(data?.heartbeats ?? []);
  const shown = all.filter((h) => state === '' || h.status === state);
  const tell = (definition: Definition, { token }: Heartbeats) => {
    setTold(token ? { definition, token } : undefined);
    reload();
  };
  const changed = (name: string, now?: Definition) => {
    setTold((t) => (t?.definition.name === name ? now && { ...t, definition: now } : t));
    reload();
  };
  return (
    <TabbedPage label="Targets" tabs={tabs} error={error} loading={!data}>
      {data?.unused?.map((u) => (
        <Unused key={u.name} unused={u} onChange={changed} onToken={tell} />
      ))}
      {told && <Token {...told} onClose={() => setTold(undefined)} />}
      {data && mayEdit() && (
        <section className={styles.card} aria-label="New heartbeat">
          <HeartbeatForm save={async (d) => tell(d, await heartbeats.add(d))} />
        </section>
      )}
      {data && all.length === 0 && (
        <Alert severity="info" title="Nothing reports yet">
          {mayEdit() ? 'Add a heartbeat with the form above' : 'An editor adds a heartbeat here'}, or list them in heartbeats.yml; see{' '}
          <DocLink page="heartbeats">docs/heartbeats.md</DocLink>.
        </Alert>
      )}
      {all.length > 0 && (
        <StateFilter
          value={state}
          all={`All (${all.length})`}
          options={Object.entries(states)
            .filter(([s]) => s === state || all.some((h) => h.status === s))
            .map(([s, { text }]) => [s, `${text} (${all.filter((h) => h.status === s).length})`])}
          onChange={(s) => setParams({ state: s })}
        />
      )}
      {shown.length > 0 && (
        <section className={styles.card} aria-label="Heartbeats">
          <ul className={styles.list}>
            {shown.map((h) => (
              <One key={h.name} heartbeat={h} onChange={changed} onToken={tell} />
            ))}
          </ul>
        </section>
      )}
    </TabbedPage>
  );
}

/** How to report with a new token. */
function Token({ definition, token, onClose }: Told & { onClose: () => void }) {
  const styles = useStyles2(getStyles);
  const line = crontabLine(definition, window.location.origin + address('/'), token);
  return (
    <Alert severity="success" title={`“${definition.name}” reports with this line, which is shown only once`} onRemove={onClose}>
      <p>
        Add this line to the crontab of the host that runs the job. Keep it secret: anyone who has it can report. For other ways to report, see{' '}
        <DocLink page="heartbeats#report">docs/heartbeats.md</DocLink>.
      </p>
      <div className={styles.line}>
        <code className={styles.code} data-testid="line">
          {line}
        </code>
        <Button size="sm" variant="secondary" icon="copy" onClick={() => void copyText(line, 'Line copied')}>
          Copy
        </Button>
      </div>
    </Alert>
  );
}

interface Change {
  /** Called with what a heartbeat has become; undefined if it was deleted. */
  onChange: (name: string, now?: Definition) => void;
  onToken: (definition: Definition, answer: Heartbeats) => void;
}

/** A heartbeat of the page that has no effect. */
function Unused({ unused: { reason, ...definition }, ...change }: { unused: Definition & { reason: string } } & Change) {
  const styles = useStyles2(getStyles);
  const { buttons, below } = useActions(definition, change);
  return (
    <Alert severity="warning" title={`“${definition.name}” is not used`}>
      {reason}. {buttons && 'It was added here: rename it, renew its token, or delete it.'}
      <div className={styles.line}>{buttons}</div>
      {below}
    </Alert>
  );
}

function One({ heartbeat: h, ...change }: { heartbeat: Heartbeat } & Change) {
  const styles = useStyles2(getStyles);
  const { buttons, below } = useActions(h.definition, change);
  const state = stateOf(h.status);
  return (
    <li className={styles.item} data-testid="heartbeat" data-state={h.status}>
      <div className={styles.line}>
        <Badge color={state.color} text={state.text} />
        <span className={styles.title}>{h.name}</span>
        <span className={styles.quiet}>{[h.group, scheduleOf(h), h.source && `from ${h.source}`].filter(Boolean).join(' · ')}</span>
        <span className={styles.right}>
          <Link className={styles.link} to={logsPath(`{job="heartbeats", heartbeat=${JSON.stringify(h.name)}}`, { range_input: '1d' })}>
            Logs
          </Link>
          {buttons}
        </span>
      </div>
      <Facts heartbeat={h} />
      {Object.keys(h.labels).length > 0 && <LabelList labels={h.labels} />}
      {below}
    </li>
  );
}

function Facts({ heartbeat: h }: { heartbeat: Heartbeat }) {
  const styles = useStyles2(getStyles);
  const facts: Array<[name: string, fact: ReactNode]> = [
    ['last seen', h.lastPing && <Ago time={h.lastPing} />],
    ['running since', h.runningSince && <Ago time={h.runningSince} />],
    ['last run took', h.lastDuration !== undefined && time(h.lastDuration)],
    ['exit code', h.lastExitCode],
    ['due', h.status !== 'missing' && <Ago time={h.due} />],
  ];
  return (
    <div className={styles.quiet}>
      {facts
        .filter(([, fact]) => fact !== undefined && fact !== false)
        .map(([name, fact], i) => (
          <span key={name}>
            {i > 0 && ' · '}
            {name} {fact}
          </span>
        ))}
    </div>
  );
}

// The confirmation of one button covers the buttons before it, whose z-index must not matter.
const apart = css({ isolation: 'isolate' });

/** What an editor can do with a heartbeat of the page: the buttons, and what they show below it. */
function useActions(definition: Definition | undefined, { onChange, onToken }: Change): { buttons?: ReactNode; below?: ReactNode } {
  const [editing, setEditing] = useState(false);
  const { act, problem } = useDoing();
  if (!definition || !mayEdit()) {
    return {};
  }
  const { name } = definition;
  return {
    buttons: (
      <>
        <Button size="sm" variant="secondary" fill="outline" aria-expanded={editing} onClick={() => setEditing(!editing)}>
          Edit
        </Button>
        <span className={apart}>
          <ConfirmButton
            size="sm"
            closeOnConfirm
            confirmText="End the old token"
            confirmVariant="destructive"
            onConfirm={() => void act(async () => onToken(definition, await heartbeats.renew(name)))}
          >
            <Button size="sm" variant="secondary" fill="outline">
              Renew token
            </Button>
          </ConfirmButton>
        </span>
        <span className={apart}>
          <ConfirmButton
            size="sm"
            confirmText="Delete"
            confirmVariant="destructive"
            onConfirm={() => void act(() => heartbeats.remove(name)).then((done) => done && onChange(name))}
          >
            <Button size="sm" variant="secondary" fill="outline">
              Delete
            </Button>
          </ConfirmButton>
        </span>
      </>
    ),
    below: (
      <>
        {editing && (
          <section aria-label={`Edit ${name}`}>
            <HeartbeatForm
              edited={definition}
              save={async (d) => {
                await heartbeats.change(name, d);
                setEditing(false);
                onChange(name, d);
              }}
              onCancel={() => setEditing(false)}
            />
          </section>
        )}
        {problem}
      </>
    ),
  };
}
