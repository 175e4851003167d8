import { getBackendSrv } from '@grafana/runtime';

/** The stages of an incident, in their usual order. */
export const stages = ['investigating', 'identified', 'monitoring', 'resolved'] as const;
export type Stage = (typeof stages)[number];

export type Condition = 'operational' | 'maintenance' | 'unknown' | 'degraded' | 'down';

/** An incident, or a planned maintenance. */
export interface StatusEvent {
  id: number;
  planned: boolean;
  title: string;
  components: string[];
  starts: string;
  /** An incident has none until it is resolved. */
  ends?: string;
  /** Oldest first. */
  updates: Array<{ time: string; stage: Stage | ''; text: string }> | null;
}

export interface StatusPage {
  name: string;
  title: string;
  /** Pages that are not public are not served. */
  public: boolean;
  /** Its path, with the prefix of all routes. */
  url: string;
  /** Empty until the state is known. */
  status: Condition | '';
  components: Array<{ name: string; status: Condition | '' }>;
  /** How many addresses get mails; absent if nobody can subscribe. */
  subscribers?: number;
  /** Newest first. */
  events: StatusEvent[];
}

/** An address that gets mails. */
export interface Subscriber {
  id: number;
  address: string;
  since: string;
}

export interface NewIncident {
  title: string;
  text: string;
  stage: Stage;
  components: string[];
}

export interface NewMaintenance {
  title: string;
  text: string;
  components: string[];
  starts: string;
  ends: string;
}

const quiet = { showErrorAlert: false };
const root = '/api/ausguck/status-pages';
const below = (page: string, path: string) => `${root}/${encodeURIComponent(page)}/${path}`;

export const statusPages = {
  list: async () => (await getBackendSrv().get<{ pages: StatusPage[] }>(root, undefined, undefined, quiet)).pages,
  addIncident: (page: string, incident: NewIncident) => getBackendSrv().post<unknown>(below(page, 'incidents'), incident, quiet),
  addUpdate: (page: string, id: number, update: { stage: Stage; text: string }) =>
    getBackendSrv().post<unknown>(below(page, `incidents/${id}/updates`), update, quiet),
  planMaintenance: (page: string, maintenance: NewMaintenance) => getBackendSrv().post<unknown>(below(page, 'maintenance'), maintenance, quiet),
  subscribers: async (page: string) =>
    (await getBackendSrv().get<{ subscribers: Subscriber[] }>(below(page, 'subscribers'), undefined, undefined, quiet)).subscribers,
  removeSubscriber: (page: string, id: number) => getBackendSrv().delete<unknown>(below(page, `subscribers/${id}`), undefined, quiet),
  removeEvent: (page: string, id: number) => getBackendSrv().delete<unknown>(below(page, `events/${id}`), undefined, quiet),
};
