import { dateTimeFormat, getTimeZone } from '@grafana/data';
import { Badge, Button, ConfirmButton, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { statusPages, type Stage, type StatusEvent } from '../../api/statusPages';
import { Ago, getStyles, mayEdit } from '../../kit/parts';
import { useDoing } from '../settings/Ask';
import { UpdateForm } from './StatusForms';
import { stateOf, zoneName } from './statusEvents';

interface Props {
  page: string;
  event: StatusEvent;
  /** In milliseconds since 1970. */
  now: number;
  onChange: () => void;
}

/** An incident or a maintenance, with the actions of Editors. */
export function StatusEventItem({ page, event, now, onChange }: Props) {
  const styles = useStyles2(getStyles);
  const { act, problem } = useDoing();
  const [stage, setStage] = useState<Stage>();
  const state = stateOf(event, now);
  const over = state === 'resolved' || state === 'over';
  const last = event.updates?.at(-1)?.stage || 'investigating';
  return (
    <li className={styles.item} data-testid="status-event" data-state={state}>
      <div className={styles.line}>
        <Badge color={over ? 'darkgrey' : event.planned ? 'blue' : 'red'} text={state} />
        <span className={styles.title}>{event.title}</span>
        <span className={styles.quiet}>{event.components.join(', ')}</span>
        {mayEdit() && (
          <span className={styles.right}>
            {!event.planned && (
              <Button size="sm" variant="secondary" fill="outline" onClick={() => setStage(last)}>
                Add update
              </Button>
            )}
            {!event.planned && !over && (
              <Button size="sm" variant="secondary" fill="outline" onClick={() => setStage('resolved')}>
                Resolve
              </Button>
            )}
            <ConfirmButton
              size="sm"
              confirmText="Remove"
              confirmVariant="destructive"
              onConfirm={() => void act(() => statusPages.removeEvent(page, event.id)).then(onChange)}
            >
              <Button size="sm" variant="secondary" fill="outline" aria-label={`Remove ${event.title}`}>
                Remove
              </Button>
            </ConfirmButton>
          </span>
        )}
      </div>
      {event.planned && (
        <div className={styles.quiet}>
          {dateTimeFormat(event.starts)} to {dateTimeFormat(event.ends ?? '')} ({zoneName(getTimeZone())})
        </div>
      )}
      {stage && (
        <UpdateForm
          key={stage}
          page={page}
          id={event.id}
          stage={stage}
          onDone={() => {
            setStage(undefined);
            onChange();
          }}
          onCancel={() => setStage(undefined)}
        />
      )}
      {event.updates?.toReversed().map((u, i) => (
        <div key={i}>
          {u.stage && <strong>{u.stage} </strong>}
          <span style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{u.text}</span>{' '}
          <span className={styles.quiet}>
            <Ago time={u.time} />
          </span>
        </div>
      ))}
      {problem}
    </li>
  );
}
