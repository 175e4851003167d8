import { css } from '@emotion/css';
import { AppEvents, type GrafanaTheme2 } from '@grafana/data';
import { getAppEvents, locationService } from '@grafana/runtime';
import { Alert, Button, FilterInput, Icon, IconButton, LinkButton, LoadingPlaceholder, MultiSelect, Stack, Tag, useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router-dom';

import { dashboards, folders, type Folder, type SearchHit } from '../api/dashboards';
import { usePage } from '../app/page';
import { may } from '../boot/role';
import { errorMessage } from '../runtime/backendSrv';

/** All dashboards by folder, with search, tags and stars. */
export default function BrowsePage() {
  const { folder } = useParams();
  const [params, setParams] = useSearchParams();
  const query = params.get('query') ?? '';
  const tags = params.getAll('tag');
  const starred = params.get('starred') === 'true';
  const [hits, setHits] = useState<SearchHit[]>();
  const [list, setList] = useState<Folder[]>([]);
  const [known, setKnown] = useState<string[]>([]);
  const [error, setError] = useState<string>();
  const [round, setRound] = useState(0);
  const styles = useStyles2(getStyles);
  const mayEdit = may('Editor');
  const here = list.find((f) => f.uid === folder);
  usePage(
    { breadcrumbs: folder ? [{ text: 'Dashboards', to: '/dashboards' }, { text: here?.title ?? folder }] : [{ text: starred ? 'Starred' : 'Dashboards' }] },
    `${folder}/${here?.title}/${starred}`
  );
  useEffect(() => {
    void folders.list().then(setList);
    void dashboards.tags().then((all) => setKnown(all.map((t) => t.term)));
  }, [round]);
  const key = JSON.stringify([query, tags, starred, folder, round]);
  useEffect(() => {
    let gone = false;
    const wait = setTimeout(() => {
      dashboards.search({ query, tag: tags, starred: starred || undefined, type: 'dash-db', folderUIDs: folder ? [folder] : undefined, limit: 5000 }).then(
        (found) => !gone && setHits(found),
        (err) => !gone && setError(errorMessage(err))
      );
    }, 100);
    return () => {
      gone = true;
      clearTimeout(wait);
    };
  }, [key]);
  const change = (name: string, values: string[]) => {
    const next = new URLSearchParams(params);
    next.delete(name);
    values.filter(Boolean).forEach((value) => next.append(name, value));
    setParams(next, { replace: true });
  };
  const groups = useMemo(() => byFolder(hits ?? [], folder || starred || query || tags.length > 0 ? [] : list), [hits, list, folder, starred, query, tags.length]);
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <FilterInput placeholder="Search dashboards" value={query} onChange={(text) => change('query', [text])} escapeRegex={false} width={0} />
        <MultiSelect aria-label="Tags" placeholder="Tags" width={30} value={tags} options={known.map((t) => ({ value: t, label: t }))} onChange={(o) => change('tag', o.map((one) => one.value!))} />
        {mayEdit && (
          <Stack direction="row" gap={1} wrap="wrap">
            <LinkButton icon="plus" href={link('/dashboard/new')}>New dashboard</LinkButton>
            <LinkButton icon="import" variant="secondary" href={link('/dashboard/import')}>Import</LinkButton>
            <Button icon="folder-plus" variant="secondary" onClick={() => newFolder(() => setRound(round + 1))}>New folder</Button>
          </Stack>
        )}
      </div>
      {error && <Alert severity="error" title={error} />}
      {!hits && !error && <LoadingPlaceholder text="" />}
      {hits?.length === 0 && groups.length === 0 && <Alert severity="info" title={starred ? 'No dashboard is marked with a star yet: the star is beside a dashboard’s title' : 'No dashboard matches'} />}
      {groups.map((group) => (
        <section key={group.uid} aria-label={group.title}>
          <h2 className={styles.folder}>
            <Icon name="folder-open" /> {group.uid ? <Link to={`/dashboards/f/${group.uid}`}>{group.title}</Link> : group.title}
            {mayEdit && group.uid && group.hits.length === 0 && hits && <IconButton name="trash-alt" tooltip="Delete this empty folder" onClick={() => removeFolder(group.uid, () => setRound(round + 1))} />}
          </h2>
          <ul className={styles.list}>
            {group.hits.map((hit) => <Hit key={hit.uid} hit={hit} onTag={(tag) => change('tag', [...new Set([...tags, tag])])} />)}
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
      <span>{hit.tags.map((tag) => <Tag key={tag} name={tag} onClick={() => onTag(tag)} />)}</span>
      <IconButton name={starred ? 'favorite' : 'star'} iconType={starred ? 'mono' : 'default'} onClick={star} tooltip={starred ? 'Unmark as favourite' : 'Mark as favourite'} />
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

async function newFolder(done: () => void) {
  const title = window.prompt('Name of the new folder')?.trim();
  if (title) {
    await folders.create(title);
    done();
  }
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
    li: { display: 'flex', gap: theme.spacing(1), alignItems: 'center', padding: theme.spacing(1), background: theme.colors.background.primary, borderBottom: `1px solid ${theme.colors.border.weak}`, flexWrap: 'wrap' },
    'li > a': { flex: '1 1 auto' },
    'li > span': { display: 'flex', gap: 4, flexWrap: 'wrap' },
  }),
});
