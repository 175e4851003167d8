import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Icon, Input, Modal, useStyles2 } from '@grafana/ui';
import { useEffect, useState, type KeyboardEvent } from 'react';

import { dashboards, type SearchHit } from '../api/dashboards';

/** Finds a dashboard by a part of its title. */
export default function CommandPalette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState('');
  const [{ hits, found }, setFound] = useState<{ hits: SearchHit[]; found: string }>({ hits: [], found: '' });
  const [at, setAt] = useState(0);
  const styles = useStyles2(getStyles);
  useEffect(() => {
    let gone = false;
    const wait = setTimeout(
      () => {
        void dashboards.search({ query, limit: 20 }).then((answer) => {
          if (!gone) {
            setFound({ hits: answer, found: query });
            setAt(0);
          }
        });
      },
      query === '' ? 0 : 120
    );
    return () => {
      gone = true;
      clearTimeout(wait);
    };
  }, [query]);
  const open = (hit: SearchHit | undefined) => {
    if (hit) {
      onClose();
      locationService.push(hit.url);
    }
  };
  const onKey = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      setAt(Math.min(Math.max(at + move, 0), hits.length - 1));
    } else if (event.key === 'Enter') {
      // Who types fast means what was typed, not what the list still shows.
      void (found === query ? Promise.resolve(hits[at]) : dashboards.search({ query, limit: 1 }).then(([hit]) => hit)).then(open);
    }
  };
  return (
    <Modal title="Search dashboards" isOpen onDismiss={onClose}>
      <Input
        autoFocus
        prefix={<Icon name="search" />}
        placeholder="Search dashboards and folders"
        value={query}
        onChange={(e) => setQuery(e.currentTarget.value)}
        onKeyDown={onKey}
        role="combobox"
        aria-expanded
        aria-controls="palette-hits"
        aria-activedescendant={hits[at] && `hit-${hits[at].uid}`}
      />
      <ul id="palette-hits" role="listbox" className={styles.list} aria-label="Dashboards">
        {hits.map((hit, i) => (
          <li
            key={hit.uid}
            id={`hit-${hit.uid}`}
            role="option"
            aria-selected={i === at}
            className={cx(styles.hit, i === at && styles.chosen)}
            onClick={() => open(hit)}
            onMouseEnter={() => setAt(i)}
          >
            <Icon name={hit.type === 'dash-folder' ? 'folder' : 'apps'} /> {hit.title} {hit.folderTitle && <small>{hit.folderTitle}</small>}
          </li>
        ))}
      </ul>
      {hits.length === 0 && query !== '' && <p>No dashboard has “{query}” in its title.</p>}
    </Modal>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', marginTop: theme.spacing(1), maxHeight: '50vh', overflow: 'auto' }),
  hit: css({
    padding: theme.spacing(1),
    borderRadius: theme.shape.radius.default,
    cursor: 'pointer',
    small: { color: theme.colors.text.secondary, marginLeft: 8 },
  }),
  chosen: css({ background: theme.colors.action.hover }),
});
