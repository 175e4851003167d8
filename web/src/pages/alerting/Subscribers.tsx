import { Button, ConfirmButton, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { saveFile } from '../../dashboard/scene/panelActions';
import { statusPages, type StatusPage } from '../../api/statusPages';
import { Ago, getStyles, mayEdit } from '../../kit/parts';
import { useAsked } from '../../runtime/usePolled';
import { useDoing } from '../settings/Ask';

/** How many addresses get mails; Editors see which, export and remove them. */
export function Subscribers({ page, onChange }: { page: StatusPage; onChange: () => void }) {
  const styles = useStyles2(getStyles);
  const [shown, setShown] = useState(false);
  if (page.subscribers === undefined) {
    return null;
  }
  return (
    <section className={styles.item} aria-label={`Subscribers of ${page.title}`} data-testid="subscribers">
      <div className={styles.line}>
        <span>
          {page.subscribers} {page.subscribers === 1 ? 'subscriber' : 'subscribers'} by email
        </span>
        {mayEdit() && page.subscribers > 0 && (
          <span className={styles.right}>
            <Button size="sm" variant="secondary" fill="outline" aria-expanded={shown} onClick={() => setShown(!shown)}>
              {shown ? 'Hide addresses' : 'Show addresses'}
            </Button>
          </span>
        )}
      </div>
      {shown && <Addresses key={page.subscribers} page={page.name} onChange={onChange} />}
    </section>
  );
}

function Addresses({ page, onChange }: { page: string; onChange: () => void }) {
  const styles = useStyles2(getStyles);
  const { data, error, reload } = useAsked(['subscribers', page], () => statusPages.subscribers(page));
  const { act, problem } = useDoing();
  const remove = (id: number) =>
    act(() => statusPages.removeSubscriber(page, id)).then(() => {
      reload();
      onChange();
    });
  return (
    <>
      {error && <span className={styles.error}>{error}</span>}
      {data && data.length > 0 && (
        <div>
          <Button
            size="sm"
            variant="secondary"
            icon="download-alt"
            // One per line, and no CSV: a spreadsheet would run an address that is a formula.
            onClick={() => saveFile(`subscribers-${page}.txt`, data.map((s) => `${s.address}\n`).join(''))}
          >
            Export
          </Button>
        </div>
      )}
      <ul className={styles.list}>
        {data?.map((s) => (
          <li key={s.id} className={styles.line} style={{ padding: '4px 0' }}>
            <span className={styles.title}>{s.address}</span>
            <span className={styles.quiet}>
              since <Ago time={s.since} plain />
            </span>
            <span className={styles.right}>
              <ConfirmButton size="sm" confirmText="Remove" confirmVariant="destructive" onConfirm={() => void remove(s.id)}>
                <Button size="sm" variant="secondary" fill="outline" aria-label={`Remove ${s.address}`}>
                  Remove
                </Button>
              </ConfirmButton>
            </span>
          </li>
        ))}
      </ul>
      {problem}
    </>
  );
}
