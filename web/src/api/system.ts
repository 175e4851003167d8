import { getBackendSrv } from '@grafana/runtime';

import type { Labels } from './alerting';

export interface Target {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: 'up' | 'down' | 'unknown';
  scrapeInterval: string;
  scrapeTimeout: string;
}

export interface DroppedTarget {
  discoveredLabels: Labels;
  scrapePool: string;
}

export interface RelabelStep {
  rule: { source_labels?: string[]; separator?: string; regex?: string; modulus?: number; target_label?: string; replacement?: string; action: string };
  output: Labels;
  keep: boolean;
}

/** Whether a container is scraped, why, and how to change that. */
export interface Container {
  name: string;
  image: string;
  health?: string;
  network: string;
  state: 'restarting' | 'failing' | 'unseen' | 'exited' | 'dropped' | 'waiting' | 'scraped';
  reason: string;
  remedy?: string;
  /** Lines of a compose file for the remedy. */
  lines?: string;
  rule?: string;
  url?: string;
  job?: string;
  /** How often the engine has restarted it since it was last started manually. */
  restarts?: number;
  logs: ContainerLogs;
}

/** Whether the logs of a container are collected, and if not, why and how to change that. */
export interface ContainerLogs {
  collected: boolean;
  reason?: string;
  remedy?: string;
}

/** An entry of probes.yml, or one that was added on the page. */
export interface Probe {
  name: string;
  url: string;
  interval?: string;
  timeout?: string;
  group?: string;
  depends_on?: string[];
  module?: string;
  labels?: Labels;
  expect?: {
    status?: string[];
    text?: string;
    not_text?: string;
    json?: Record<string, unknown>;
    answer?: string;
    max_duration?: string;
    certificate_days?: number;
    domain_days?: number;
  };
}

export interface KnownProbe extends Probe {
  editable: boolean;
  /** Why the last probe failed; empty if it did not. */
  reason?: string;
  /** When the registration of its domain expires, or why that is unknown; neither before the registry was asked. */
  domain?: { name: string; expires?: string; problem?: string };
  scrapeModule: string;
  address: string;
}

export interface Probes {
  probes: KnownProbe[];
  /** What to do if Prometheus does not scrape the probes. */
  remedy?: string;
  modules: string[];
}

export interface Docker {
  enabled: boolean;
  connected: boolean;
  endpoint?: string;
  reason?: string;
  remedy?: string;
}

export interface Update {
  /** What the last successful check returned. */
  newest?: { version: string; url?: string; published?: string };
  newer: boolean;
  checked?: string;
  /** Why the last check failed. */
  error?: string;
}

/** What this process sees of other hosts; nothing for what is not configured. */
export interface Clusters {
  alertmanager?: {
    /** "settling" until the members have found each other, then "ready". */
    state: string;
    members: Array<{ name: string; address: string; self: boolean; reached: boolean }>;
    /** Members that are not reached, including those that are configured by name and not listed. */
    missing: number;
    /** What is wrong between members that are reached. */
    problems?: string[];
  };
  /** The members of Loki's ring. */
  loki?: Array<{ name: string; address: string; self: boolean; state: string }>;
  remoteWrite?: Array<{
    name: string;
    host: string;
    /** Seconds; -1 if nothing was sent yet. */
    lag: number;
    pending: number;
    failed: number;
    retried: number;
  }>;
}

export interface Status {
  host: string;
  version: string;
  revision: string;
  started: string;
  embedded: Array<{ Name: string; Version: string }>;
  parts: Array<{ name: string; phase: string; since: string; says?: string; wrong?: boolean }>;
  files: Array<{ name: string; source: string }>;
  storage: Array<{ name: string; bytes: number; limit: number; retention?: string }>;
  disk: { free: number; size: number; scarce: boolean; full?: string };
  clusters: Clusters;
  queryLog: string;
  /** Result of the checks for a newer version; null if no URL for them is configured. */
  update: Update | null;
  /** Warnings about the configuration; only returned to admins. */
  warnings: string[];
}

export interface TsdbStat {
  name: string;
  value: number;
}

export interface TsdbStatus {
  headStats: { numSeries: number; numLabelPairs: number; chunkCount: number; minTime: number; maxTime: number };
  seriesCountByMetricName: TsdbStat[] | null;
  labelValueCountByLabelName: TsdbStat[] | null;
  memoryInBytesByLabelName: TsdbStat[] | null;
  seriesCountByLabelValuePair: TsdbStat[] | null;
}

/** An entry of Prometheus's query log. */
export interface LoggedQuery {
  time: string;
  params?: { query?: string; start?: string; end?: string; step?: number };
  stats?: { timings?: { evalTotalTime?: number } };
  httpRequest?: { clientIP?: string; path?: string };
  ruleGroup?: { name?: string };
  error?: string;
}

export interface Sample {
  metric: Labels;
  value: number;
}

async function get<T>(url: string, params?: Record<string, unknown>): Promise<T> {
  return getBackendSrv().get<T>(url, params, undefined, { showErrorAlert: false });
}

/** Prometheus's own API, which has its own path here. */
async function prom<T>(path: string, params?: Record<string, unknown>): Promise<T> {
  return (await get<{ data: T }>(`/api/v1/${path}`, params)).data;
}

const probeCalled = (name: string) => `/api/ausguck/probes?name=${encodeURIComponent(name)}`;

export const system = {
  targets: async () => (await prom<{ activeTargets: Target[] | null }>('targets', { state: 'active' })).activeTargets ?? [],
  dropped: async () => (await prom<{ droppedTargets: DroppedTarget[] | null }>('targets', { state: 'dropped' })).droppedTargets ?? [],
  relabelSteps: async (pool: string, labels: Labels) =>
    (await prom<{ steps: RelabelStep[] | null }>('targets/relabel_steps', { scrapePool: pool, labels: JSON.stringify(labels) })).steps ?? [],
  query: async (query: string): Promise<Sample[]> => {
    const { result } = await prom<{ result: Array<{ metric: Labels; value: [number, string] }> }>('query', { query });
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  },
  containers: () => get<{ docker: Docker; containers: Container[] }>('/api/ausguck/containers'),
  probes: () => get<Probes>('/api/ausguck/probes'),
  addProbe: (probe: Probe) => getBackendSrv().post<Probes>('/api/ausguck/probes', probe, { showErrorAlert: false }),
  changeProbe: (name: string, probe: Probe) => getBackendSrv().put<Probes>(probeCalled(name), probe, { showErrorAlert: false }),
  removeProbe: (name: string) => getBackendSrv().delete<Probes>(probeCalled(name), undefined, { showErrorAlert: false }),
  /** Probes a target now and returns the log. */
  probeNow: (target: string, module: string) => get<string>('/probe', { target, module, debug: 'true' }),
  status: () => get<Status>('/api/ausguck/status'),
  tsdb: () => prom<TsdbStatus>('status/tsdb', { limit: 10 }),
  flags: () => prom<Record<string, string>>('status/flags'),
  prometheusConfig: async () => (await prom<{ yaml: string }>('status/config')).yaml,
  alertmanagerConfig: async () => (await get<{ config: { original: string } }>('/api/v2/status')).config.original,
  logConfigs: () => get<Record<string, string>>('/api/ausguck/configuration'),
  queryLog: () => get<{ file: string; entries: LoggedQuery[] }>('/api/ausguck/querylog'),
  reload: () => getBackendSrv().post<{ reloaded: boolean; problems: string[] }>('/api/ausguck/reload', undefined, { showErrorAlert: false }),
};
