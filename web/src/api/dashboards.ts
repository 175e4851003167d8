import { getBackendSrv } from '@grafana/runtime';
import type { Dashboard } from '@grafana/schema';

import { dashboardOfPage } from '../boot/bootData';

/** The metadata that /api/dashboards/uid/… returns in addition to the JSON. */
export interface DashboardMeta {
  url?: string;
  slug?: string;
  version?: number;
  folderUid?: string;
  folderTitle?: string;
  canSave?: boolean;
  canEdit?: boolean;
  canDelete?: boolean;
  canStar?: boolean;
  isStarred?: boolean;
  provisioned?: boolean;
  provisionedExternalId?: string;
  updated?: string;
  updatedBy?: string;
  /** What was changed or ignored when the file was read. */
  notices?: string[];
}

export interface DashboardAnswer {
  dashboard: Record<string, unknown>;
  meta: DashboardMeta;
}

/** One hit of /api/search. */
export interface SearchHit {
  uid: string;
  title: string;
  url: string;
  type: 'dash-db' | 'dash-folder';
  tags: string[];
  isStarred: boolean;
  folderUid?: string;
  folderTitle?: string;
}

export interface DashboardVersion {
  version: number;
  created: string;
  createdBy: string;
  message: string;
}

export interface Folder {
  uid: string;
  title: string;
  parentUid?: string;
  canSave?: boolean;
}

export interface SaveAnswer {
  uid: string;
  url: string;
  version: number;
  status: string;
}

const quiet = { showErrorAlert: false };

export const dashboards = {
  /** The dashboard of a page: embedded in the page, or requested from the server. */
  shown: async (uid: string) => (dashboardOfPage(uid) as DashboardAnswer | undefined) ?? dashboards.get(uid),
  /** The home dashboard, likewise. */
  shownAtHome: async () => (dashboardOfPage() as DashboardAnswer | undefined) ?? dashboards.home(),
  get: (uid: string) => getBackendSrv().get<DashboardAnswer>(`/api/dashboards/uid/${encodeURIComponent(uid)}`, undefined, undefined, quiet),
  home: () => getBackendSrv().get<DashboardAnswer | { redirectUri: string }>('/api/dashboards/home', undefined, undefined, quiet),
  search: (params: { query?: string; tag?: string[]; type?: string; starred?: boolean; folderUIDs?: string[]; limit?: number; sort?: string }) =>
    getBackendSrv().get<SearchHit[]>('/api/search', params),
  tags: () => getBackendSrv().get<Array<{ term: string; count: number }>>('/api/dashboards/tags'),
  save: (dashboard: Dashboard | object, options: { folderUid?: string; message?: string; overwrite?: boolean }) =>
    getBackendSrv().post<SaveAnswer>('/api/dashboards/db', { dashboard, ...options }, quiet),
  import: (dashboard: unknown, options: { folderUid?: string; inputs?: unknown[]; overwrite?: boolean }) =>
    getBackendSrv().post<SaveAnswer & { importedUrl?: string }>('/api/dashboards/import', { dashboard, ...options }, quiet),
  remove: (uid: string) => getBackendSrv().delete(`/api/dashboards/uid/${encodeURIComponent(uid)}`),
  star: (uid: string, on: boolean) => {
    const url = `/api/user/stars/dashboard/uid/${encodeURIComponent(uid)}`;
    return on ? getBackendSrv().post(url) : getBackendSrv().delete(url);
  },
  versions: async (uid: string) => {
    const answer = await getBackendSrv().get<DashboardVersion[] | { versions: DashboardVersion[] }>(`/api/dashboards/uid/${encodeURIComponent(uid)}/versions`);
    return Array.isArray(answer) ? answer : answer.versions;
  },
  version: (uid: string, version: number) => getBackendSrv().get<{ data: Dashboard }>(`/api/dashboards/uid/${encodeURIComponent(uid)}/versions/${version}`),
  restore: (uid: string, version: number) => getBackendSrv().post<SaveAnswer>(`/api/dashboards/uid/${encodeURIComponent(uid)}/restore`, { version }),
};

export const folders = {
  list: () => getBackendSrv().get<Folder[]>('/api/folders', { limit: 1000 }),
  create: (title: string) => getBackendSrv().post<Folder>('/api/folders', { title }),
  remove: (uid: string) => getBackendSrv().delete(`/api/folders/${encodeURIComponent(uid)}`),
};
