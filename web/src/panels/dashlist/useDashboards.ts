import type { Options } from '@grafana/schema/dist/esm/raw/composable/dashboardlist/panelcfg/x/DashboardListPanelCfg_types.gen';

import { dashboards, type SearchHit } from '../../api/dashboards';
import { useAsked } from '../../runtime/usePolled';
import { recentVisits } from './recent';

export interface Section {
  title: string;
  hits: SearchHit[];
}

/** The lists selected by the options. */
async function load(options: Options, query: string): Promise<Section[]> {
  const limit = options.maxItems > 0 ? options.maxItems : 10;
  const wanted: Array<Promise<Section> | undefined> = [
    options.showStarred ? dashboards.search({ starred: true, type: 'dash-db', limit }).then((hits) => ({ title: 'Starred dashboards', hits })) : undefined,
    options.showRecentlyViewed ? recent(limit).then((hits) => ({ title: 'Recently viewed dashboards', hits })) : undefined,
    options.showSearch
      ? dashboards
          .search({ query, tag: options.tags, folderUIDs: options.folderUID ? [options.folderUID] : undefined, type: 'dash-db', limit })
          .then((hits) => ({ title: 'Search', hits }))
      : undefined,
  ];
  return Promise.all(wanted.filter((section) => section !== undefined));
}

/** Recently viewed dashboards that still exist. */
async function recent(limit: number): Promise<SearchHit[]> {
  const visits = recentVisits().slice(0, limit);
  if (visits.length === 0) {
    return [];
  }
  const byUid = new Map((await dashboards.search({ type: 'dash-db', limit: 5000 })).map((hit) => [hit.uid, hit]));
  return visits.flatMap(({ uid }) => byUid.get(uid) ?? []);
}

/** The sections of a dashboard list, and a function to star an entry. */
export function useDashboards(options: Options, query: string) {
  const { data, error, reload } = useAsked(['dashboard list', options, query], () => load(options, query), { keep: true });
  const star = async (hit: SearchHit) => {
    await dashboards.star(hit.uid, !hit.isStarred);
    reload();
  };
  return { sections: data, error, star };
}
