import { AppEvents, dateTime, dateTimeFormat, type DateTime } from '@grafana/data';
import { getAppEvents, locationService } from '@grafana/runtime';
import {
  Alert,
  Button,
  Combobox,
  DateTimePicker,
  Field,
  IconButton,
  Input,
  LinkButton,
  LoadingPlaceholder,
  RadioButtonGroup,
  TextArea,
  useStyles2,
} from '@grafana/ui';
import { useEffect, useState } from 'react';
import { useParams, useSearchParams } from 'react-router-dom';

import { alerting, type Silence } from '../../api/alerting';
import {
  formatMatchers,
  fromSilenceMatcher,
  matchesAll,
  matchesEmpty,
  parseMatchers,
  toSilenceMatcher,
  type Matcher,
  type Operator,
} from '../../links/matchers';
import { AlertingPage, getStyles, LabelList, mayEdit, StateBadge } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { bootData } from '../../boot/bootData';
import { address, errorMessage } from '../../runtime/backendSrv';

/** A new silence for filter={…}, or an existing one. */
export default function SilencePage() {
  const { id } = useParams();
  const [params] = useSearchParams();
  const [silence, setSilence] = useState<Silence>();
  const [error, setError] = useState<string>();
  usePage(
    { breadcrumbs: [{ text: 'Alerts', to: '/alerts' }, { text: 'Silences', to: '/alerts/silences' }, { text: id ? id.slice(0, 8) : 'New' }] },
    id ?? 'new'
  );
  useEffect(() => {
    let gone = false;
    if (id) {
      alerting.silence(id).then(
        (s) => gone || setSilence(s),
        (err) => gone || setError(errorMessage(err))
      );
    }
    return () => {
      gone = true;
    };
  }, [id]);
  if (error) {
    return (
      <AlertingPage>
        <Alert severity="error" title="The silence could not be loaded">
          {error}. Silences are forgotten five days after they end.
        </Alert>
      </AlertingPage>
    );
  }
  if (id && !silence) {
    return <LoadingPlaceholder text="" />;
  }
  return (
    <AlertingPage>
      {silence && !mayEdit() ? (
        <Facts silence={silence} />
      ) : (
        <Form key={id ?? 'new'} silence={silence} filter={params.get('filter') ?? ''} comment={params.get('comment') ?? ''} />
      )}
    </AlertingPage>
  );
}

/** A silence for users with read-only access. */
function Facts({ silence }: { silence: Silence }) {
  const styles = useStyles2(getStyles);
  const matchers = silence.matchers.map(fromSilenceMatcher);
  const facts = [
    ['Alerts with', formatMatchers(matchers)],
    ['From', dateTimeFormat(silence.startsAt)],
    ['Until', dateTimeFormat(silence.endsAt)],
    ['By', silence.createdBy],
    ['Why', silence.comment],
  ] as const;
  return (
    <>
      <section className={styles.card} aria-label="Silence" data-testid="silence-facts">
        <div className={styles.item}>
          <table className={styles.table}>
            <tbody>
              {facts.map(([name, text]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td data-label={name}>{text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <Preview matchers={matchers} />
    </>
  );
}

interface Draft {
  matchers: Matcher[];
  start: DateTime;
  end: DateTime;
  author: string;
  comment: string;
}

const lengths = [
  ['1h', 1],
  ['4h', 4],
  ['1 day', 24],
  ['7 days', 168],
] as const;

function Form({ silence, filter, comment }: { silence?: Silence; filter: string; comment: string }) {
  const styles = useStyles2(getStyles);
  const [first] = useState(() => draftOf(silence, filter, comment));
  const [draft, setDraft] = useState(first.draft);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const ended = silence?.status.state === 'expired';
  const problems = problemsOf(draft);
  useEffect(() => {
    if (!silence && draft !== first.draft) {
      locationService.partial({ filter: formatMatchers(draft.matchers.filter((m) => m.name !== '')), comment: draft.comment || null }, true);
    }
  }, [draft, first.draft, silence]);
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await alerting.saveSilence({
        ...(silence && !ended && { id: silence.id }),
        matchers: draft.matchers.map(toSilenceMatcher),
        createdBy: draft.author.trim(),
        comment: draft.comment.trim(),
        startsAt: draft.start.toISOString(),
        endsAt: draft.end.toISOString(),
      });
      getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: ['Silenced'] });
      locationService.push('/alerts/silences');
    } catch (err) {
      setError(errorMessage(err));
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      {first.problem && (
        <Alert severity="warning" title="The filter in this link is invalid">
          {first.problem}
        </Alert>
      )}
      <Matchers matchers={draft.matchers} onChange={(matchers) => change({ matchers })} />
      <Times draft={draft} onChange={change} />
      <Field label="By">
        <Input id="silence-author" width={40} value={draft.author} onChange={(e) => change({ author: e.currentTarget.value })} />
      </Field>
      <Field label="Why" description="Shown to people who look for the alert">
        <TextArea id="silence-comment" rows={2} value={draft.comment} onChange={(e) => change({ comment: e.currentTarget.value })} />
      </Field>
      {error && (
        <Alert severity="error" title="Not silenced">
          {error}
        </Alert>
      )}
      {problems.length > 0 && (
        <p className={styles.quiet} data-testid="silence-problems">
          Still missing: {problems.join('; ')}
        </p>
      )}
      <div className={styles.line}>
        <Button type="submit" disabled={busy || problems.length > 0}>
          {!silence ? 'Silence' : ended ? 'Silence again' : 'Save'}
        </Button>
        <LinkButton variant="secondary" href={address('/alerts/silences')}>
          Cancel
        </LinkButton>
      </div>
      <Preview matchers={draft.matchers} />
    </form>
  );
}

function Matchers({ matchers, onChange }: { matchers: Matcher[]; onChange: (matchers: Matcher[]) => void }) {
  const styles = useStyles2(getStyles);
  const set = (i: number, part: Partial<Matcher>) => onChange(matchers.map((m, j) => (j === i ? { ...m, ...part } : m)));
  return (
    <Field label="Alerts with all of these labels">
      <div>
        {matchers.map((m, i) => (
          <div key={i} className={styles.line} style={{ marginBottom: 8 }} data-testid="silence-matcher">
            <Input aria-label={`Label ${i + 1}`} placeholder="label" width={24} value={m.name} onChange={(e) => set(i, { name: e.currentTarget.value })} />
            <Combobox
              aria-label={`Operator ${i + 1}`}
              width={10}
              value={m.operator}
              options={(['=', '!=', '=~', '!~'] as Operator[]).map((value) => ({ value, label: value }))}
              onChange={(o) => set(i, { operator: o.value })}
            />
            <Input aria-label={`Value ${i + 1}`} placeholder="value" width={40} value={m.value} onChange={(e) => set(i, { value: e.currentTarget.value })} />
            <IconButton name="trash-alt" tooltip="Remove this label" onClick={() => onChange(matchers.filter((_, j) => j !== i))} />
          </div>
        ))}
        <Button type="button" size="sm" variant="secondary" icon="plus" onClick={() => onChange([...matchers, { name: '', operator: '=', value: '' }])}>
          Add label
        </Button>
      </div>
    </Field>
  );
}

function Times({ draft, onChange }: { draft: Draft; onChange: (part: Partial<Draft>) => void }) {
  const styles = useStyles2(getStyles);
  const hours = draft.end.diff(draft.start, 'minutes') / 60;
  return (
    <>
      <Field label="For">
        <RadioButtonGroup
          value={lengths.find(([, h]) => Math.abs(h - hours) < 0.01)?.[1]}
          options={lengths.map(([label, value]) => ({ label, value }))}
          onChange={(h) => onChange({ end: dateTime(draft.start).add(h, 'hours') })}
        />
      </Field>
      <div className={styles.line}>
        <Field label="From">
          <DateTimePicker date={draft.start} onChange={(start) => start && onChange({ start })} />
        </Field>
        <Field label="Until">
          <DateTimePicker date={draft.end} onChange={(end) => end && onChange({ end })} />
        </Field>
      </div>
    </>
  );
}

/** The current alerts that a silence would mute. */
function Preview({ matchers }: { matchers: Matcher[] }) {
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['alerts'], alerting.alerts);
  let hit: typeof data = [];
  try {
    hit = data?.filter((a) => matchers.length > 0 && matchesAll(matchers, a.labels));
  } catch {
    // An incomplete regular expression; the error is shown above.
  }
  return (
    <section className={styles.card} aria-label="What it keeps quiet" style={{ marginTop: 16 }}>
      <div className={styles.head}>
        <h2 data-testid="silence-preview">
          Silences {hit?.length ?? '…'} of {data?.length ?? '…'} alerts
        </h2>
      </div>
      {error && (
        <div className={styles.item}>
          <span className={styles.error}>{error}</span>
        </div>
      )}
      <ul className={styles.list}>
        {hit?.slice(0, 200).map((a) => (
          <li key={a.fingerprint} className={styles.item}>
            <div className={styles.line}>
              <StateBadge state={a.status.silencedBy.length > 0 ? 'silenced' : 'active'} />
              <span className={styles.title}>{a.labels['alertname']}</span>
              <LabelList labels={a.labels} without={['alertname']} />
            </div>
          </li>
        ))}
        {(hit?.length ?? 0) > 200 && <li className={styles.item}>and {hit!.length - 200} more</li>}
      </ul>
    </section>
  );
}

function draftOf(silence: Silence | undefined, filter: string, comment: string): { draft: Draft; problem?: string } {
  const now = dateTime();
  const draft: Draft = { matchers: [], start: now, end: dateTime(now).add(4, 'hours'), author: bootData.user.login, comment };
  if (silence) {
    const matchers = silence.matchers.map(fromSilenceMatcher);
    const times = silence.status.state === 'expired' ? {} : { start: dateTime(silence.startsAt), end: dateTime(silence.endsAt) };
    return { draft: { ...draft, ...times, matchers, author: silence.createdBy, comment: silence.comment } };
  }
  try {
    const matchers = parseMatchers(filter);
    return { draft: { ...draft, matchers: matchers.length > 0 ? matchers : [{ name: '', operator: '=', value: '' }] } };
  } catch (err) {
    return { draft: { ...draft, matchers: [{ name: '', operator: '=', value: '' }] }, problem: (err as Error).message };
  }
}

/** Validation errors of a silence, for users. */
function problemsOf({ matchers, start, end, author, comment }: Draft): string[] {
  const problems: string[] = [];
  if (matchers.length === 0 || matchers.some((m) => m.name.trim() === '')) {
    problems.push('a label with a name');
  } else {
    try {
      if (matchers.every(matchesEmpty)) {
        problems.push('a label that an alert must have (the others also fit alerts without it)');
      }
    } catch (err) {
      problems.push((err as Error).message);
    }
  }
  if (end.valueOf() <= Math.max(start.valueOf(), Date.now())) {
    problems.push('an end after now and after the start');
  }
  if (author.trim() === '') {
    problems.push('who silences');
  }
  if (comment.trim() === '') {
    problems.push('why');
  }
  return problems;
}
