import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Icon, Input, Modal, useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useState, type KeyboardEvent } from 'react';

import { dashboards, type SearchHit } from '../api/dashboards';
import { usePageState } from '../kit/page';
import { entriesOf, matching, type Entry } from './palette';

interface Props {
  onClose: () => void;
  onHelp: () => void;
}

const open = (to: string) => locationService.push(to);

/** Finds actions, pages and dashboards by parts of their names. */
export default function CommandPalette({ onClose, onHelp }: Props) {
  const [query, setQuery] = useState('');
  const [{ hits, found }, setFound] = useState<{ hits: SearchHit[]; found: string }>({ hits: [], found: '' });
  const [at, setAt] = useState(0);
  const styles = useStyles2(getStyles);
  const { commands } = usePageState();
  useEffect(() => {
    let gone = false;
    const wait = setTimeout(
      () => {
        void dashboards.search({ query, limit: 20 }).then((answer) => !gone && setFound({ hits: answer, found: query }));
      },
      query === '' ? 0 : 120
    );
    return () => {
      gone = true;
      clearTimeout(wait);
    };
  }, [query]);
  const local = useMemo(() => matching(entriesOf(commands ?? [], open, onHelp), query), [commands, onHelp, query]);
  const entries = query === '' ? [...hits.map(entryOf), ...local] : [...local, ...hits.map(entryOf)];
  const chosen = entries[Math.min(at, entries.length - 1)];
  const run = (entry: Entry | undefined) => {
    if (entry) {
      onClose();
      // The palette restores the focus one frame after it closes; a dialog opened here must take it after that.
      setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(entry.act)));
    }
  };
  const onKey = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      setAt(Math.min(Math.max(at + move, 0), entries.length - 1));
    } else if (event.key === 'Enter') {
      // Enter refers to the current input, even if the entries of an earlier one are still listed.
      const first = found === query || local.length > 0 ? Promise.resolve(chosen) : dashboards.search({ query, limit: 1 }).then(([hit]) => hit && entryOf(hit));
      void first.then(run);
    }
  };
  return (
    <Modal title="Search" isOpen onDismiss={onClose}>
      <Input
        autoFocus
        prefix={<Icon name="search" />}
        placeholder="Search dashboards, pages and actions"
        value={query}
        onChange={(e) => {
          setQuery(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
        role="combobox"
        aria-expanded
        aria-controls="palette-hits"
        aria-activedescendant={chosen && idOf(chosen)}
      />
      <ul id="palette-hits" role="listbox" className={styles.list} aria-label="Actions, pages and dashboards">
        {entries.map((entry, i) => (
          <Line key={entry.key} entry={entry} chosen={entry === chosen} onClick={() => run(entry)} onPoint={() => setAt(i)} />
        ))}
      </ul>
      {entries.length === 0 && query !== '' && <p>Nothing has “{query}” in its name.</p>}
    </Modal>
  );
}

interface LineProps {
  entry: Entry;
  chosen: boolean;
  onClick: () => void;
  onPoint: () => void;
}

function Line({ entry, chosen, onClick, onPoint }: LineProps) {
  const styles = useStyles2(getStyles);
  return (
    <li
      id={idOf(entry)}
      ref={(element) => {
        if (chosen) {
          element?.scrollIntoView({ block: 'nearest' });
        }
      }}
      role="option"
      aria-selected={chosen}
      className={cx(styles.hit, chosen && styles.chosen)}
      onClick={onClick}
      onMouseMove={onPoint}
    >
      <Icon name={entry.icon} /> <span>{entry.text}</span> {entry.note && <small>{entry.note}</small>}
    </li>
  );
}

function entryOf({ uid, title, url, type, folderTitle }: SearchHit): Entry {
  return { key: `dashboard ${uid}`, text: title, icon: type === 'dash-folder' ? 'folder' : 'apps', note: folderTitle, act: () => open(url) };
}

const idOf = (entry: Entry) => `palette-${entry.key.replace(/\W+/g, '-')}`;

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', marginTop: theme.spacing(1), maxHeight: '50vh', overflow: 'auto' }),
  hit: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(1),
    borderRadius: theme.shape.radius.default,
    cursor: 'pointer',
    span: { flex: '1 1 auto', minWidth: 0, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
    small: { color: theme.colors.text.secondary },
  }),
  chosen: css({ background: theme.colors.action.hover }),
});
