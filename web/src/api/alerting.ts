import { getBackendSrv } from '@grafana/runtime';

export type Labels = Record<string, string>;

/** A rule group of /api/v1/rules. Times are strings; one that begins with 0001 means never. */
export interface RuleGroup {
  /** Language of the expressions. */
  language?: 'promql' | 'logql';
  name: string;
  file: string;
  interval: number;
  evaluationTime: number;
  lastEvaluation: string;
  rules: Rule[];
}

export interface Rule {
  type: 'alerting' | 'recording';
  name: string;
  query: string;
  /** How long the expression must be true, in seconds. */
  duration?: number;
  keepFiringFor?: number;
  labels?: Labels;
  annotations?: Labels;
  state?: 'firing' | 'pending' | 'inactive' | 'unknown';
  health: string;
  lastError?: string;
  lastEvaluation: string;
  evaluationTime: number;
  alerts?: RuleAlert[];
}

export interface RuleAlert {
  labels: Labels;
  annotations?: Labels;
  state: 'firing' | 'pending';
  activeAt?: string;
  value?: string;
}

/** An alert as returned by Alertmanager. */
export interface ActiveAlert {
  fingerprint: string;
  labels: Labels;
  annotations: Labels;
  startsAt: string;
  endsAt: string;
  generatorURL?: string;
  receivers: Array<{ name: string }>;
  status: { state: 'active' | 'suppressed' | 'unprocessed'; silencedBy: string[]; inhibitedBy: string[]; mutedBy?: string[] };
}

/** Alerts that are sent together. */
export interface AlertGroup {
  labels: Labels;
  receiver: { name: string };
  alerts: ActiveAlert[];
}

export interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface NewSilence {
  id?: string;
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
}

export interface Silence extends NewSilence {
  id: string;
  updatedAt: string;
  status: { state: 'active' | 'pending' | 'expired' };
}

/** One attempt to notify a receiver. */
export interface Attempt {
  id: number;
  time: string;
  seconds: number;
  receiver: string;
  integration: string;
  index: number;
  attempt: number;
  result: Result;
  error?: string;
  reason: string;
  route: string;
  groupKey: string;
  groupLabels: Labels;
  firing: number;
  resolved: number;
  /** Labels of the first 20 alerts. */
  alerts: Labels[];
}

export type Result = 'delivered' | 'retrying' | 'refused' | 'elsewhere';

export interface Receiver {
  name: string;
  /** False if no route leads to it. */
  used: boolean;
  integrations: Array<{ integration: string; index: number; last: Attempt | null }>;
}

export interface Route {
  id: string;
  receiver: string;
  matchers: string[];
  continue: boolean;
  groupBy: string[];
  groupWait: string;
  groupInterval: string;
  repeatInterval: string;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  routes: Route[];
  /** Set if this is where an alert with the requested labels ends up. */
  matches?: boolean;
}

/** Result of a test notification for one integration. */
export interface Trial {
  integration: string;
  result: Result;
  seconds: number;
  error?: string;
  answers: Array<{ from: string; status: string; body: string }> | null;
}

const quiet = { showErrorAlert: false };
const ours = '/api/ausguck/alerting';

function get<T>(url: string, params?: Record<string, unknown>): Promise<T> {
  return getBackendSrv().get<T>(url, params, undefined, quiet);
}

export const alerting = {
  /** The alerting and recording rule groups of Prometheus, and those of Loki if it is enabled and has any. */
  rules: async () => {
    type Answer = { data: { groups: RuleGroup[] | null } };
    const [metrics, logs] = await Promise.all([
      get<Answer>('/api/v1/rules'),
      get<Answer>('/prometheus/api/v1/rules').catch((err: { status?: number }) => {
        // Disabled or not ready yet: the response is 404 or 503.
        if (err.status === 404 || err.status === 503) {
          return { data: { groups: [] } };
        }
        throw err;
      }),
    ]);
    const inLanguage = (answer: Answer, language: 'promql' | 'logql') => (answer.data.groups ?? []).map((g) => ({ ...g, language, rules: g.rules ?? [] }));
    return [...inLanguage(metrics, 'promql'), ...inLanguage(logs, 'logql')].filter((g) => g.rules.length > 0);
  },
  alerts: () => get<ActiveAlert[]>('/api/v2/alerts'),
  groups: () => get<AlertGroup[]>('/api/v2/alerts/groups'),
  silences: () => get<Silence[]>('/api/v2/silences'),
  silence: (id: string) => get<Silence>(`/api/v2/silence/${encodeURIComponent(id)}`),
  saveSilence: (silence: NewSilence) => getBackendSrv().post<{ silenceID: string }>('/api/v2/silences', silence, quiet),
  expireSilence: (id: string) => getBackendSrv().delete(`/api/v2/silence/${encodeURIComponent(id)}`, undefined, quiet),
  notifications: async (params: { receiver?: string; result?: string; alertname?: string; before?: number; limit?: number }) =>
    (await get<{ notifications: Attempt[] | null }>(`${ours}/notifications`, Object.fromEntries(Object.entries(params).filter(([, v]) => v)))).notifications ??
    [],
  receivers: () => get<{ receivers: Receiver[]; sendsNowhere: boolean }>(`${ours}/receivers`),
  routes: (labels?: Labels) => get<Route>(`${ours}/routes`, labels && { labels: JSON.stringify(labels) }),
  test: (receiver: string) => getBackendSrv().post<{ integrations: Trial[] }>(`${ours}/test`, { receiver }, quiet),
};
