import { Button, Field, Input, useStyles2 } from '@grafana/ui';
import { useId, useState, type ReactNode } from 'react';

import { getStyles } from '../../kit/parts';
import { useDoing } from '../settings/Ask';

/** What the fields of a form need. */
export interface Fields<Draft> {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  /** An ID of this form's own for an input. */
  id: (name: string) => string;
  /** An input for a text; width is in units of 8 pixels. */
  text: (name: TextOf<Draft>, label: string, width: number, placeholder: string, description?: string) => ReactNode;
}

type TextOf<Draft> = { [K in keyof Draft]: Draft[K] extends string ? K : never }[keyof Draft] & string;

interface Props<Draft> {
  start: () => Draft;
  /** Whether it adds an entry or edits one, which shows all fields. */
  edits: boolean;
  /** The text of the button that adds an entry. */
  add: string;
  complete: (draft: Draft) => boolean;
  save: (draft: Draft) => Promise<unknown>;
  onCancel?: () => void;
  children: (fields: Fields<Draft>) => ReactNode;
  /** The fields behind "More options". */
  more: (fields: Fields<Draft>) => ReactNode;
}

/** A form that adds an entry or edits one. */
export function EntryForm<Draft extends object>({ start, edits, add, complete, save, onCancel, children, more }: Props<Draft>) {
  const styles = useStyles2(getStyles);
  const [draft, setDraft] = useState(start);
  const [all, setAll] = useState(edits);
  const { busy, act, problem } = useDoing();
  const prefix = useId();
  const id = (name: string) => `${prefix}${name}`;
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const text: Fields<Draft>['text'] = (name, label, width, placeholder, description) => (
    <Field noMargin label={label} style={{ width: 8 * width, maxWidth: '100%' }} {...(description && { description })}>
      <Input id={id(name)} placeholder={placeholder} value={String(draft[name])} onChange={(e) => setDraft({ ...draft, [name]: e.currentTarget.value })} />
    </Field>
  );
  const fields = { draft, change, id, text };
  return (
    <form
      className={styles.item}
      onSubmit={(e) => {
        e.preventDefault();
        void act(() => save(draft)).then((done) => {
          if (done && !edits) {
            setDraft(start);
            setAll(false);
          }
        });
      }}
    >
      {children(fields)}
      {all && <div className={styles.fields}>{more(fields)}</div>}
      <div className={styles.line}>
        <Button type="submit" disabled={busy || !complete(draft)}>
          {edits ? 'Save' : add}
        </Button>
        {onCancel && (
          <Button type="button" variant="secondary" onClick={onCancel}>
            Cancel
          </Button>
        )}
        {!edits && (
          <Button type="button" variant="secondary" fill="text" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Fewer options' : 'More options'}
          </Button>
        )}
      </div>
      {problem}
    </form>
  );
}
