import { css } from '@emotion/css';
import { AppEvents, type GrafanaTheme2 } from '@grafana/data';
import { getAppEvents, locationService } from '@grafana/runtime';
import {
  Alert,
  Button,
  Field,
  FilterInput,
  Icon,
  IconButton,
  Input,
  LinkButton,
  LoadingPlaceholder,
  Modal,
  MultiSelect,
  Stack,
  Tag,
  useStyles2,
} from '@grafana/ui';
import { useMemo, useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router-dom';

import { dashboards, folders, type Folder, type SearchHit } from '../api/dashboards';
import { usePage } from '../kit/page';
import { useAsked } from '../runtime/usePolled';
import { useDoing } from './settings/Ask';
import { may } from '../boot/role';

/** All dashboards by folder, with search, tags and stars. */
export default function BrowsePage() {
  const { folder } = useParams();
  const [params, setParams] = useSearchParams();
  const query = params.get('query') ?? '';
  const tags = params.getAll('tag');
  const starred = params.get('starred') === 'true';
  const [naming, setNaming] = useState(false);
  const styles = useStyles2(getStyles);
  const mayEdit = may('Editor');
  const search = async (signal: AbortSignal) => {
    // While the user is typing, only the last input is searched for.
    await new Promise((resolve) => setTimeout(resolve, 100));
    signal.throwIfAborted();
    return dashboards.search({ query, tag: tags, starred: starred || undefined, type: 'dash-db', folderUIDs: folder ? [folder] : undefined, limit: 5000 });
  };
  const { data: hits, error, reload } = useAsked(['dashboards', query, tags, starred, folder], search, { keep: true });
  const { data: list = [], reload: reloadFolders } = useAsked(['folders'], folders.list);
  const { data: known = [] } = useAsked(['tags'], dashboards.tags);
  const changed = () => {
    reload();
    reloadFolders();
  };
  const here = list.find((f) => f.uid === folder);
  usePage(
    { breadcrumbs: folder ? [{ text: 'Dashboards', to: '/dashboards' }, { text: here?.title ?? folder }] : [{ text: starred ? 'Starred' : 'Dashboards' }] },
    `${folder}/${here?.title}/${starred}`
  );
  const change = (name: string, values: string[]) => {
    const next = new URLSearchParams(params);
    next.delete(name);
    values.filter(Boolean).forEach((value) => next.append(name, value));
    setParams(next, { replace: true });
  };
  const groups = useMemo(
    () => byFolder(hits ?? [], folder || starred || query || tags.length > 0 ? [] : list),
    [hits, list, folder, starred, query, tags.length]
  );
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <FilterInput placeholder="Search dashboards" value={query} onChange={(text) => change('query', [text])} escapeRegex={false} width={0} />
        <MultiSelect
          aria-label="Tags"
          placeholder="Tags"
          width={30}
          value={tags}
          options={known.map(({ term }) => ({ value: term, label: term }))}
          onChange={(o) =>
            change(
              'tag',
              o.map((one) => one.value!)
            )
          }
        />
        {mayEdit && (
          <Stack direction="row" gap={1} wrap="wrap">
            <LinkButton icon="plus" href={link('/dashboard/new')}>
              New dashboard
            </LinkButton>
            <LinkButton icon="import" variant="secondary" href={link('/dashboard/import')}>
              Import
            </LinkButton>
            <Button icon="folder-plus" variant="secondary" onClick={() => setNaming(true)}>
              New folder
            </Button>
          </Stack>
        )}
      </div>
      {naming && (
        <NewFolder
          onClose={(made) => {
            setNaming(false);
            if (made) {
              changed();
            }
          }}
        />
      )}
      {error && <Alert severity="error" title={error} />}
      {!hits && !error && <LoadingPlaceholder text="" />}
      {hits?.length === 0 && groups.length === 0 && (
        <Alert severity="info" title={starred ? 'No starred dashboards. Star a dashboard with the icon beside its title' : 'No dashboard matches'} />
      )}
      {groups.map((group) => (
        <section key={group.uid} aria-label={group.title}>
          <h2 className={styles.folder}>
            <Icon name="folder-open" /> {group.uid ? <Link to={`/dashboards/f/${group.uid}`}>{group.title}</Link> : group.title}
            {mayEdit && group.uid && group.hits.length === 0 && hits && (
              <IconButton name="trash-alt" tooltip="Delete this empty folder" onClick={() => removeFolder(group.uid, changed)} />
            )}
          </h2>
          <ul className={styles.list}>
            {group.hits.map((hit) => (
              <Hit key={hit.uid} hit={hit} onTag={(tag) => change('tag', [...new Set([...tags, tag])])} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Hit({ hit, onTag }: { hit: SearchHit; onTag: (tag: string) => void }) {
  const [starred, setStarred] = useState(hit.isStarred);
  const star = async () => {
    await dashboards.star(hit.uid, !starred);
    setStarred(!starred);
  };
  return (
    <li>
      <Link to={hit.url}>{hit.title}</Link>
      <span>
        {hit.tags.map((tag) => (
          <Tag key={tag} name={tag} onClick={() => onTag(tag)} />
        ))}
      </span>
      <IconButton name={starred ? 'favorite' : 'star'} iconType={starred ? 'mono' : 'default'} onClick={star} tooltip={starred ? 'Unstar' : 'Star'} />
    </li>
  );
}

interface Group {
  uid: string;
  title: string;
  hits: SearchHit[];
}

function byFolder(hits: SearchHit[], empty: Folder[]): Group[] {
  const groups = new Map<string, Group>(empty.map((f) => [f.uid, { uid: f.uid, title: f.title, hits: [] }]));
  for (const hit of hits) {
    const uid = hit.folderUid ?? '';
    const group = groups.get(uid) ?? { uid, title: hit.folderTitle ?? 'Without a folder', hits: [] };
    group.hits.push(hit);
    groups.set(uid, group);
  }
  return [...groups.values()].sort((a, b) => a.title.localeCompare(b.title));
}

function link(path: string): string {
  return locationService.getHistory().createHref({ pathname: path });
}

function NewFolder({ onClose }: { onClose: (made: boolean) => void }) {
  const [title, setTitle] = useState('');
  const { busy, act, problem } = useDoing();
  const create = () => act(() => folders.create(title.trim())).then((made) => made && onClose(true));
  return (
    <Modal title="New folder" isOpen onDismiss={() => onClose(false)}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void create();
        }}
      >
        {problem}
        <Field label="Name" htmlFor="folder-name">
          <Input id="folder-name" autoFocus value={title} onChange={(e) => setTitle(e.currentTarget.value)} />
        </Field>
        <Modal.ButtonRow>
          <Button type="button" variant="secondary" fill="outline" onClick={() => onClose(false)}>
            Cancel
          </Button>
          <Button type="submit" disabled={busy || title.trim() === ''}>
            Create
          </Button>
        </Modal.ButtonRow>
      </form>
    </Modal>
  );
}

async function removeFolder(uid: string, done: () => void) {
  await folders.remove(uid);
  getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: ['Folder deleted'] });
  done();
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ padding: theme.spacing(2), maxWidth: 1200, width: '100%', margin: '0 auto' }),
  head: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), marginBottom: theme.spacing(2), '> :first-child': { flex: '1 1 240px' } }),
  folder: css({ fontSize: theme.typography.h5.fontSize, margin: theme.spacing(2, 0, 1), display: 'flex', gap: theme.spacing(1), alignItems: 'center' }),
  list: css({
    listStyle: 'none',
    li: {
      display: 'flex',
      gap: theme.spacing(1),
      alignItems: 'center',
      padding: theme.spacing(1),
      background: theme.colors.background.primary,
      borderBottom: `1px solid ${theme.colors.border.weak}`,
      flexWrap: 'wrap',
    },
    'li > a': { flex: '1 1 auto' },
    'li > span': { display: 'flex', gap: 4, flexWrap: 'wrap' },
  }),
});
