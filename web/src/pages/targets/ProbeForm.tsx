import { Checkbox } from '@grafana/ui';

import type { KnownProbe, Probe } from '../../api/system';
import { EntryForm } from './EntryForm';
import { draftOf, noDraft, probeOf } from './probes';

interface Props {
  /** The probe that is edited; undefined for a new one. */
  edited?: KnownProbe;
  save: (probe: Probe) => Promise<unknown>;
  onCancel?: () => void;
}

/** The form that adds a target or edits one. */
export function ProbeForm({ edited, save, onCancel }: Props) {
  return (
    <EntryForm
      start={() => (edited ? draftOf(edited) : noDraft)}
      edits={edited !== undefined}
      add="Watch"
      complete={(draft) => draft.url.trim() !== ''}
      save={(draft) => save(probeOf(draft, edited))}
      {...(onCancel && { onCancel })}
      more={({ draft, change, text }) => (
        <>
          {text('name', 'Name', 30, 'from the URL')}
          {text('group', 'Group', 30, '')}
          {text('interval', 'Interval', 12, '15s')}
          {text('text', 'Expected text', 40, '', 'A regular expression that the response has to match')}
          {text('status', 'Expected status', 20, '2xx')}
          {text('maxDuration', 'Slow above', 12, '2s')}
          <div>
            <Checkbox
              label="Watch when the domain expires"
              description="Asks the registry of the domain twice a day"
              value={draft.domain}
              onChange={(e) => change({ domain: e.currentTarget.checked })}
            />
          </div>
        </>
      )}
    >
      {({ text }) =>
        text('url', edited ? 'URL' : 'Watch a URL', 60, 'https://www.example.org/', 'Also tcp://host:port, tls://, grpc://, icmp://host and dns://server/name')
      }
    </EntryForm>
  );
}
