import { css } from '@emotion/css';
import { AppEvents, type AppEvent, type GrafanaTheme2 } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { Alert, Button, useStyles2 } from '@grafana/ui';
import { useEffect, useState } from 'react';

type Severity = 'success' | 'warning' | 'error' | 'info';

interface Note {
  id: number;
  severity: Severity;
  title: string;
  text?: string;
  action?: Action;
}

/** An action that a message offers. */
interface Action {
  text: string;
  act: () => void;
}

const events: Array<[AppEvent<unknown[]>, Severity]> = [
  [AppEvents.alertSuccess, 'success'],
  [AppEvents.alertWarning, 'warning'],
  [AppEvents.alertError, 'error'],
  [AppEvents.alertInfo, 'info'],
];
const shown: Record<Severity, number> = { success: 3000, info: 5000, warning: 7000, error: 12000 };
const shownWithAction = 12000;

let next = 1;

/** Short messages in the corner of the page about completed and failed actions. */
export function Notifications() {
  const [notes, setNotes] = useState<Note[]>([]);
  const styles = useStyles2(getStyles);
  useEffect(() => {
    const drop = (id: number) => setNotes((all) => all.filter((n) => n.id !== id));
    const subscriptions = events.map(([event, severity]) =>
      // Some functions of @grafana/data use the event types as classes, others as plain names.
      getAppEvents()
        .getStream({ type: event.name } as never)
        .subscribe((published: { payload?: unknown[] }) => {
          const [title, text, action] = published.payload ?? [];
          const note: Note = {
            id: next++,
            severity,
            title: String(title ?? ''),
            text: text === undefined ? undefined : String(text),
            action: action as Action,
          };
          setNotes((all) => [...all.filter((n) => n.title !== note.title || n.text !== note.text).slice(-3), note]);
          setTimeout(() => drop(note.id), note.action ? shownWithAction : shown[severity]);
        })
    );
    return () => subscriptions.forEach((s) => s.unsubscribe());
  }, []);
  const drop = ({ id }: Note) => setNotes((all) => all.filter((n) => n.id !== id));
  return (
    <div className={styles.place} role="status" aria-live="polite">
      {notes.map((note) => (
        <Alert
          key={note.id}
          severity={note.severity}
          title={note.title}
          elevated
          onRemove={() => drop(note)}
          action={
            note.action && (
              <Button
                size="sm"
                variant="secondary"
                onClick={() => {
                  drop(note);
                  note.action!.act();
                }}
              >
                {note.action.text}
              </Button>
            )
          }
        >
          {note.text}
        </Alert>
      ))}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  place: css({ position: 'fixed', right: theme.spacing(2), top: theme.spacing(7), width: 'min(420px, calc(100vw - 32px))', zIndex: theme.zIndex.portal }),
});
