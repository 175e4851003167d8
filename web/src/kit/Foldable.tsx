import { IconButton, useStyles2 } from '@grafana/ui';
import { useState, type ReactNode } from 'react';

import { getStyles } from './parts';

interface Props {
  /** Accessible name. */
  label: string;
  /** Whether it is open until the user toggles it. */
  open: boolean;
  head: ReactNode;
  children: ReactNode;
}

/** A collapsible card. */
export function Foldable({ label, open, head, children }: Props) {
  const styles = useStyles2(getStyles);
  const [chosen, setChosen] = useState<boolean>();
  const shown = chosen ?? open;
  return (
    <section className={styles.card} aria-label={label}>
      <div className={styles.head}>
        <IconButton
          name={shown ? 'angle-down' : 'angle-right'}
          aria-expanded={shown}
          tooltip={`${shown ? 'Close' : 'Open'} ${label}`}
          onClick={() => setChosen(!shown)}
        />
        {head}
      </div>
      {shown && children}
    </section>
  );
}
