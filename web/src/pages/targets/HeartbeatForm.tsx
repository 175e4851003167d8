import { Field, RadioButtonGroup, TextArea, useStyles2 } from '@grafana/ui';

import type { Definition } from '../../api/heartbeats';
import { getStyles } from '../../kit/parts';
import { EntryForm } from './EntryForm';
import { definitionOf, draftOf, noDraft } from './heartbeats';

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
  return (
    <EntryForm
      start={() => (edited ? draftOf(edited) : noDraft())}
      edits={edited !== undefined}
      add="Add heartbeat"
      complete={(draft) => draft.name.trim() !== '' && draft[draft.kind].trim() !== ''}
      save={(draft) => save(definitionOf(draft))}
      {...(onCancel && { onCancel })}
      more={({ draft, change, id, text }) => (
        <>
          {text('grace', 'Grace', 24, '5m', 'How much later a run may end')}
          {text('maxDuration', 'Longest run', 24, 'no limit', 'For runs that report their start')}
          {text('group', 'Group', 24, '')}
          <Field noMargin label="Labels" description="One per line, such as team=storage" style={{ width: 320, maxWidth: '100%' }}>
            <TextArea id={id('labels')} rows={2} value={draft.labels} onChange={(e) => change({ labels: e.currentTarget.value })} />
          </Field>
        </>
      )}
    >
      {({ draft, change, id, text }) => (
        <div className={styles.fields}>
          {text('name', 'Name', 32, 'backup')}
          <Field noMargin label="Schedule">
            <RadioButtonGroup id={id('kind')} value={draft.kind} options={[...kinds]} onChange={(kind) => change({ kind })} />
          </Field>
          {draft.kind === 'cron' ? (
            <>
              {text('cron', 'Runs start at', 32, '0 3 * * *', 'Five fields as in a crontab, or @daily')}
              {text('timezone', 'Time zone', 24, 'UTC')}
            </>
          ) : (
            text('every', 'Runs end every', 24, '1d', 'Such as 15m, 12h or 1d12h')
          )}
        </div>
      )}
    </EntryForm>
  );
}
