import { dateTime, dateTimeFormat, getTimeZone } from '@grafana/data';
import { Button, Checkbox, Combobox, DateTimePicker, Field, Input, TextArea, useStyles2 } from '@grafana/ui';
import { useState, type ReactNode } from 'react';

import { stages, statusPages, type Stage, type StatusPage } from '../../api/statusPages';
import { getStyles } from '../../kit/parts';
import { useDoing } from '../settings/Ask';
import { zoneName } from './statusEvents';

interface Props {
  page: StatusPage;
  onDone: () => void;
  onCancel: () => void;
}

/** Reports an incident. */
export function IncidentForm({ page, onDone, onCancel }: Props) {
  const [draft, setDraft] = useState({ title: '', text: '', stage: 'investigating' as Stage, components: [] as string[] });
  const change = (part: Partial<typeof draft>) => setDraft({ ...draft, ...part });
  const id = `incident-${page.name}`;
  return (
    <Form
      label="Report an incident"
      submit="Report"
      complete={draft.title.trim() !== '' && draft.text.trim() !== ''}
      save={() => statusPages.addIncident(page.name, draft)}
      onDone={onDone}
      onCancel={onCancel}
    >
      <TitleField id={id} value={draft.title} onChange={(title) => change({ title })} />
      <Components page={page} chosen={draft.components} onChange={(components) => change({ components })} />
      <StageField id={id} value={draft.stage} onChange={(stage) => change({ stage })} />
      <TextField id={id} label="Message" value={draft.text} onChange={(text) => change({ text })} />
    </Form>
  );
}

/** Adds a message to an incident. */
export function UpdateForm({ page, id, stage, onDone, onCancel }: { page: string; id: number; stage: Stage; onDone: () => void; onCancel: () => void }) {
  const [draft, setDraft] = useState({ stage, text: '' });
  return (
    <Form
      label="Add an update"
      submit={draft.stage === 'resolved' ? 'Resolve' : 'Add'}
      complete={draft.text.trim() !== ''}
      save={() => statusPages.addUpdate(page, id, draft)}
      onDone={onDone}
      onCancel={onCancel}
    >
      <StageField id={`update-${page}-${id}`} value={draft.stage} onChange={(s) => setDraft({ ...draft, stage: s })} />
      <TextField id={`update-${page}-${id}`} label="Message" value={draft.text} onChange={(text) => setDraft({ ...draft, text })} />
    </Form>
  );
}

/** Plans a maintenance. */
export function MaintenanceForm({ page, onDone, onCancel }: Props) {
  const styles = useStyles2(getStyles);
  const [draft, setDraft] = useState(() => {
    const starts = dateTime().add(1, 'hour').startOf('hour');
    return { title: '', text: '', components: [] as string[], starts, ends: dateTime(starts).add(1, 'hour') };
  });
  const change = (part: Partial<typeof draft>) => setDraft({ ...draft, ...part });
  const id = `maintenance-${page.name}`;
  const ordered = draft.ends.valueOf() > draft.starts.valueOf();
  return (
    <Form
      label="Plan maintenance"
      submit="Plan"
      complete={draft.title.trim() !== '' && draft.components.length > 0 && ordered}
      save={() => statusPages.planMaintenance(page.name, { ...draft, starts: draft.starts.toISOString(), ends: draft.ends.toISOString() })}
      onDone={onDone}
      onCancel={onCancel}
    >
      <TitleField id={id} value={draft.title} onChange={(title) => change({ title })} />
      <Components page={page} chosen={draft.components} onChange={(components) => change({ components })} />
      <div className={styles.line}>
        <Field noMargin label="From">
          <DateTimePicker date={draft.starts} onChange={(starts) => starts && change({ starts })} />
        </Field>
        <Field noMargin label="Until">
          <DateTimePicker date={draft.ends} onChange={(ends) => ends && change({ ends })} />
        </Field>
      </div>
      <span className={styles.quiet}>
        Time zone: {zoneName(getTimeZone())} ({dateTimeFormat(draft.starts, { format: 'Z' })}). Alerts of these components are silenced during that time.
      </span>
      {!ordered && <span className={styles.error}>It has to end after it starts.</span>}
      <TextField id={id} label="Description" value={draft.text} onChange={(text) => change({ text })} />
    </Form>
  );
}

interface FormProps {
  label: string;
  submit: string;
  complete: boolean;
  save: () => Promise<unknown>;
  onDone: () => void;
  onCancel: () => void;
  children: ReactNode;
}

function Form({ label, submit, complete, save, onDone, onCancel, children }: FormProps) {
  const styles = useStyles2(getStyles);
  const { busy, act, problem } = useDoing();
  return (
    <form
      className={styles.item}
      style={{ gap: 8 }}
      aria-label={label}
      onSubmit={(e) => {
        e.preventDefault();
        void act(save).then((done) => done && onDone());
      }}
    >
      {children}
      <div className={styles.line}>
        <Button type="submit" disabled={busy || !complete}>
          {submit}
        </Button>
        <Button type="button" variant="secondary" onClick={onCancel}>
          Cancel
        </Button>
      </div>
      {problem}
    </form>
  );
}

interface FieldProps<T> {
  id: string;
  value: T;
  onChange: (value: T) => void;
}

function TitleField({ id, value, onChange }: FieldProps<string>) {
  return (
    <Field noMargin label="Title" style={{ maxWidth: 640 }}>
      <Input id={`${id}-title`} maxLength={200} value={value} onChange={(e) => onChange(e.currentTarget.value)} />
    </Field>
  );
}

function TextField({ id, label, value, onChange }: FieldProps<string> & { label: string }) {
  return (
    <Field noMargin label={label} description="Visitors of the page read it" style={{ maxWidth: 640 }}>
      <TextArea id={`${id}-text`} rows={3} maxLength={10_000} value={value} onChange={(e) => onChange(e.currentTarget.value)} />
    </Field>
  );
}

function StageField({ id, value, onChange }: FieldProps<Stage>) {
  return (
    <Field noMargin label="Stage">
      <Combobox id={`${id}-stage`} width={24} value={value} options={stages.map((s) => ({ value: s, label: s }))} onChange={(o) => onChange(o.value)} />
    </Field>
  );
}

function Components({ page, chosen, onChange }: { page: StatusPage; chosen: string[]; onChange: (chosen: string[]) => void }) {
  const styles = useStyles2(getStyles);
  return (
    <fieldset>
      <legend className={styles.title} style={{ fontSize: 12, marginBottom: 4 }}>
        Affected
      </legend>
      <div className={styles.line} style={{ gap: 16 }}>
        {page.components.map(({ name }) => (
          <Checkbox
            key={name}
            label={name}
            value={chosen.includes(name)}
            onChange={(e) => onChange(e.currentTarget.checked ? [...chosen, name] : chosen.filter((c) => c !== name))}
          />
        ))}
      </div>
    </fieldset>
  );
}
