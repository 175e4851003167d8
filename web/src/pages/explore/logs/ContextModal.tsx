import { Alert, Button, LoadingPlaceholder, Modal } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { formatMatchers, matchersOf } from '../../../links/matchers';
import type { LogRow } from '../../../panels/logs/rows';
import { errorMessage } from '../../../runtime/backendSrv';
import { LokiClient } from './client';
import { LineList } from './LineList';
import { later, nanosOf, rowsOf } from './lines';

const step = 20;
/** How far to look: six hours, in nanoseconds. */
const reach = 6n * 3_600_000_000_000n;

/** What stands before and after a line in its stream, whatever the expression filters. */
export function ContextModal({ row, source, onClose }: { row: LogRow; source: string; onClose: () => void }) {
  const [counts, setCounts] = useState({ before: step, after: step });
  const [rows, setRows] = useState<LogRow[]>();
  const [error, setError] = useState<string>();
  const selector = formatMatchers(matchersOf(row.stream ?? {}));
  useEffect(() => {
    const abort = new AbortController();
    const client = new LokiClient(source);
    const at = nanosOf(row);
    Promise.all([
      client.lines(selector, { start: later(at, -reach), end: at }, counts.before, false, abort.signal),
      client.lines(selector, { start: at, end: later(at, reach) }, counts.after + 1, true, abort.signal),
    ]).then(
      ([before, after]) => setRows([...rowsOf(after), ...rowsOf(before)]),
      (err: unknown) => abort.signal.aborted || setError(errorMessage(err))
    );
    return () => abort.abort();
  }, [selector, counts]);
  return (
    <Modal title="Lines around this one" isOpen onDismiss={onClose}>
      <p><code>{selector}</code></p>
      {error && <Alert severity="error" title="The lines could not be read">{error}</Alert>}
      {!rows && !error && <LoadingPlaceholder text="" />}
      {rows && (
        <>
          <Button size="sm" variant="secondary" icon="angle-up" onClick={() => setCounts({ ...counts, before: counts.before + step })}>{step} more before</Button>
          <div data-testid="context"><LineList key={rows.length} rows={rows} wrap pretty={false} oldestFirst height={Math.min(rows.length * 24 + 20, 420)} label="Lines around this one" marked={row.key} /></div>
          <Button size="sm" variant="secondary" icon="angle-down" onClick={() => setCounts({ ...counts, after: counts.after + step })}>{step} more after</Button>
        </>
      )}
    </Modal>
  );
}
