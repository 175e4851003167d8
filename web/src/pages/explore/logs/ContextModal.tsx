import { Alert, Button, LoadingPlaceholder, Modal } from '@grafana/ui';
import { useState } from 'react';

import { formatMatchers, matchersOf } from '../../../links/matchers';
import type { LogRow } from '../../../panels/logs/rows';
import { useAsked } from '../../../runtime/usePolled';
import { LokiClient } from './client';
import { LineList } from './LineList';
import { later, nanosOf, rowsOf } from './lines';

const step = 20;
/** The search range: six hours, in nanoseconds. */
const reach = 6n * 3_600_000_000_000n;

/** The lines before and after a line in its stream, regardless of the expression's filters. */
export function ContextModal({ row, source, onClose }: { row: LogRow; source: string; onClose: () => void }) {
  const [counts, setCounts] = useState({ before: step, after: step });
  const selector = formatMatchers(matchersOf(row.stream ?? {}));
  const read = async (signal: AbortSignal) => {
    const client = new LokiClient(source);
    const at = nanosOf(row);
    const [before, after] = await Promise.all([
      client.lines(selector, { start: later(at, -reach), end: at }, counts.before, false, signal),
      client.lines(selector, { start: at, end: later(at, reach) }, counts.after + 1, true, signal),
    ]);
    return [...rowsOf(after), ...rowsOf(before)];
  };
  const { data: rows, error } = useAsked(['context', source, selector, row.key, counts], read, { keep: true });
  return (
    <Modal title="Lines around this one" isOpen onDismiss={onClose}>
      <p>
        <code>{selector}</code>
      </p>
      {error && (
        <Alert severity="error" title="The lines could not be loaded">
          {error}
        </Alert>
      )}
      {!rows && !error && <LoadingPlaceholder text="" />}
      {rows && (
        <>
          <Button size="sm" variant="secondary" icon="angle-up" onClick={() => setCounts({ ...counts, before: counts.before + step })}>
            {step} more before
          </Button>
          <div data-testid="context">
            <LineList
              key={rows.length}
              rows={rows}
              wrap
              pretty={false}
              oldestFirst
              height={Math.min(rows.length * 24 + 20, 420)}
              label="Lines around this one"
              marked={row.key}
            />
          </div>
          <Button size="sm" variant="secondary" icon="angle-down" onClick={() => setCounts({ ...counts, after: counts.after + step })}>
            {step} more after
          </Button>
        </>
      )}
    </Modal>
  );
}
