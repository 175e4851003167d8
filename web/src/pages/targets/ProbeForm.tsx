import { Button, Checkbox, Field, Input, useStyles2 } from '@grafana/ui';
import { useId, useState } from 'react';

import type { KnownProbe, Probe } from '../../api/system';
import { getStyles } from '../../kit/parts';
import { useDoing } from '../settings/Ask';
import { draftOf, noDraft, probeOf, type Draft } from './probes';

interface Props {
  /** The probe that is edited; undefined for a new one. */
  edited?: KnownProbe;
  save: (probe: Probe) => Promise<unknown>;
  onCancel?: () => void;
}

/** The form that adds a target or edits one. */
export function ProbeForm({ edited, save, onCancel }: Props) {
  const styles = useStyles2(getStyles);
  const [draft, setDraft] = useState<Draft>(edited ? draftOf(edited) : noDraft);
  const [more, setMore] = useState(edited !== undefined);
  const prefix = useId();
  const { busy, act, problem } = useDoing();
  const field = (name: Exclude<keyof Draft, 'domain'>, label: string, width: number, placeholder: string, description?: string) => (
    <Field noMargin label={label} style={{ width: 8 * width, maxWidth: '100%' }} {...(description && { description })}>
      <Input id={`${prefix}${name}`} placeholder={placeholder} value={draft[name]} onChange={(e) => setDraft({ ...draft, [name]: e.currentTarget.value })} />
    </Field>
  );
  return (
    <form
      className={styles.item}
      onSubmit={(e) => {
        e.preventDefault();
        void act(() => save(probeOf(draft, edited))).then((done) => {
          if (done && !edited) {
            setDraft(noDraft);
          }
        });
      }}
    >
      {field('url', edited ? 'URL' : 'Watch a URL', 60, 'https://www.example.org/', 'Also tcp://host:port, tls://, grpc://, icmp://host and dns://server/name')}
      {more && (
        <div className={styles.fields}>
          {field('name', 'Name', 30, 'from the URL')}
          {field('group', 'Group', 30, '')}
          {field('interval', 'Interval', 12, '15s')}
          {field('text', 'Expected text', 40, '', 'A regular expression that the response has to match')}
          {field('status', 'Expected status', 20, '2xx')}
          {field('maxDuration', 'Slow above', 12, '2s')}
          <div>
            <Checkbox
              label="Watch when the domain expires"
              description="Asks the registry of the domain twice a day"
              value={draft.domain}
              onChange={(e) => setDraft({ ...draft, domain: e.currentTarget.checked })}
            />
          </div>
        </div>
      )}
      <div className={styles.line}>
        <Button type="submit" disabled={busy || draft.url.trim() === ''}>
          {edited ? 'Save' : 'Watch'}
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
