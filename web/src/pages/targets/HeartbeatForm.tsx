import { Button, Field, Input, RadioButtonGroup, TextArea, useStyles2 } from '@grafana/ui';
import { useId, useState } from 'react';

import type { Definition } from '../../api/heartbeats';
import { getStyles } from '../../kit/parts';
import { useDoing } from '../settings/Ask';
import { definitionOf, draftOf, noDraft, type Draft } from './heartbeats';

interface Props {
  /** The heartbeat that is edited; undefined for a new one. */
  edited?: Definition;
  save: (definition: Definition) => Promise<unknown>;
  onCancel?: () => void;
}

const kinds = [
  { value: 'cron', label: 'Crontab' },
  { value: 'every', label: 'Interval' },
] as const;

/** The form that adds a heartbeat or edits one. */
export function HeartbeatForm({ edited, save, onCancel }: Props) {
  const styles = useStyles2(getStyles);
  const [draft, setDraft] = useState<Draft>(edited ? draftOf(edited) : noDraft);
  const [more, setMore] = useState(edited !== undefined);
  const { busy, act, problem } = useDoing();
  const prefix = useId();
  const id = (name: string) => `${prefix}${name}`;
  const field = (name: keyof Draft, label: string, width: number, placeholder: string, description?: string) => (
    <Field noMargin label={label} style={{ width: 8 * width, maxWidth: '100%' }} {...(description && { description })}>
      <Input id={id(name)} placeholder={placeholder} value={draft[name]} onChange={(e) => setDraft({ ...draft, [name]: e.currentTarget.value })} />
    </Field>
  );
  return (
    <form
      className={styles.item}
      onSubmit={(e) => {
        e.preventDefault();
        void act(() => save(definitionOf(draft))).then((done) => {
          if (done && !edited) {
            setDraft(noDraft());
            setMore(false);
          }
        });
      }}
    >
      <div className={styles.fields}>
        {field('name', 'Name', 32, 'backup')}
        <Field noMargin label="Schedule">
          <RadioButtonGroup id={id('kind')} value={draft.kind} options={[...kinds]} onChange={(kind) => setDraft({ ...draft, kind })} />
        </Field>
        {draft.kind === 'cron' ? (
          <>
            {field('cron', 'Runs start at', 32, '0 3 * * *', 'Five fields as in a crontab, or @daily')}
            {field('timezone', 'Time zone', 24, 'UTC')}
          </>
        ) : (
          field('every', 'Runs end every', 24, '1d', 'Such as 15m, 12h or 1d12h')
        )}
      </div>
      {more && (
        <div className={styles.fields}>
          {field('grace', 'Grace', 24, '5m', 'How much later a run may end')}
          {field('maxDuration', 'Longest run', 24, 'no limit', 'For runs that report their start')}
          {field('group', 'Group', 24, '')}
          <Field noMargin label="Labels" description="One per line, such as team=storage" style={{ width: 320, maxWidth: '100%' }}>
            <TextArea id={id('labels')} rows={2} value={draft.labels} onChange={(e) => setDraft({ ...draft, labels: e.currentTarget.value })} />
          </Field>
        </div>
      )}
      <div className={styles.line}>
        <Button type="submit" disabled={busy || draft.name.trim() === '' || draft[draft.kind].trim() === ''}>
          {edited ? 'Save' : 'Add heartbeat'}
        </Button>
        {onCancel && (
          <Button type="button" variant="secondary" onClick={onCancel}>
            Cancel
          </Button>
        )}
        {!edited && (
          <Button type="button" variant="secondary" fill="text" aria-expanded={more} onClick={() => setMore(!more)}>
            {more ? 'Fewer options' : 'More options'}
          </Button>
        )}
      </div>
      {problem}
    </form>
  );
}
