import { getBackendSrv } from '@grafana/runtime';

import type { Labels } from './alerting';

/** A heartbeat as it is written: the fields of heartbeats.yml without its token. */
export interface Definition {
  name: string;
  every?: string;
  cron?: string;
  timezone?: string;
  grace?: string;
  max_duration?: string;
  group?: string;
  labels?: Labels;
}

export interface Heartbeat {
  name: string;
  group: string;
  labels: Labels;
  every?: string;
  cron?: string;
  timezone?: string;
  /** Seconds. */
  grace: number;
  /** Seconds. */
  maxDuration?: number;
  /** The file that has it; absent if it was added on the page. */
  source?: string;
  /** How it was defined on the page. */
  definition?: Definition;
  status: string;
  due: string;
  lastPing?: string;
  runningSince?: string;
  /** Seconds. */
  lastDuration?: number;
  lastExitCode?: number;
}

export interface Heartbeats {
  heartbeats: Heartbeat[];
  /** Heartbeats of the page that have no effect, and why. */
  unused?: Array<Definition & { reason: string }>;
  /** The new token of a heartbeat that was added or got a new one. */
  token?: string;
}

const path = '/api/ausguck/heartbeats';
const options = { showErrorAlert: false };
const called = (name: string) => `?name=${encodeURIComponent(name)}`;

export const heartbeats = {
  list: () => getBackendSrv().get<Heartbeats>(path, undefined, undefined, options),
  add: (definition: Definition) => getBackendSrv().post<Heartbeats>(path, definition, options),
  change: (name: string, definition: Definition) => getBackendSrv().put<Heartbeats>(path + called(name), definition, options),
  remove: (name: string) => getBackendSrv().delete<Heartbeats>(path + called(name), undefined, options),
  renew: (name: string) => getBackendSrv().post<Heartbeats>(`${path}/token${called(name)}`, undefined, options),
};
