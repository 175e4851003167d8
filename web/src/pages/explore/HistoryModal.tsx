import { css } from '@emotion/css';
import { dateTime, type GrafanaTheme2 } from '@grafana/data';
import { Button, FilterInput, Modal, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { forgetAll, pastQueries, type Past } from './history';

/** Previous queries of this browser. */
export default function HistoryModal({ onChoose, onClose }: { onChoose: (past: Past) => void; onClose: () => void }) {
  const styles = useStyles2(getStyles);
  const [all, setAll] = useState(pastQueries);
  const [filter, setFilter] = useState('');
  const shown = all.filter((p) => p.expr.toLowerCase().includes(filter.toLowerCase()));
  return (
    <Modal title="Queries you have run" isOpen onDismiss={onClose}>
      <FilterInput autoFocus aria-label="Filter the history" placeholder="Part of a query" value={filter} onChange={setFilter} escapeRegex={false} />
      {shown.length === 0 && <p>{all.length === 0 ? 'No queries yet. Queries you run in this browser are listed here.' : 'No query matches.'}</p>}
      <ul className={styles.list} data-testid="history">
        {shown.map((past) => (
          <li key={`${past.language} ${past.expr}`}>
            <button type="button" onClick={() => onChoose(past)}>
              <code>{past.expr}</code>
              <small>
                {past.language === 'logql' ? 'LogQL' : 'PromQL'} · {dateTime(past.time).fromNow()}
              </small>
            </button>
          </li>
        ))}
      </ul>
      {all.length > 0 && (
        <Button
          size="sm"
          variant="secondary"
          icon="trash-alt"
          onClick={() => {
            forgetAll();
            setAll([]);
          }}
        >
          Forget all
        </Button>
      )}
    </Modal>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({
    listStyle: 'none',
    maxHeight: '50vh',
    overflow: 'auto',
    margin: theme.spacing(1, 0),
    button: {
      display: 'flex',
      flexDirection: 'column',
      width: '100%',
      textAlign: 'left',
      background: 'none',
      border: 'none',
      padding: theme.spacing(1),
      '&:hover, &:focus-visible': { background: theme.colors.action.hover },
    },
    code: { overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' },
    small: { color: theme.colors.text.secondary },
  }),
});
