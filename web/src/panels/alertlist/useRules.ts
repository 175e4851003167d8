import type { TimeRange } from '@grafana/data';
import { getBackendSrv, getDataSourceSrv } from '@grafana/runtime';
import { useEffect } from 'react';

import { usePolled } from '../../runtime/usePolled';
import type { RuleGroup } from './alerts';

export interface Rules {
  loading: boolean;
  groups: RuleGroup[];
  error?: string;
}

const interval = 30_000;

/** The named data source, or the built-in Prometheus, which evaluates the rules: the default can be a long-term store, which has none. */
export function sourceUid(name: string | undefined): string {
  const sources = getDataSourceSrv();
  const named = name ? sources.getInstanceSettings(name) : undefined;
  if (named) {
    return named.uid;
  }
  const all = sources.getList({ type: 'prometheus' });
  const found = all.find((source) => source.uid === 'prometheus') ?? all.find((source) => source.isDefault) ?? all[0];
  if (found === undefined) {
    throw new Error('there is no Prometheus data source to ask for alerts');
  }
  return found.uid;
}

/** The alerting rules of a data source, reloaded with the dashboard's refresh and every 30 seconds. */
export function useRules(datasource: string | undefined, timeRange: TimeRange): Rules {
  const { data, error, reload } = usePolled(['rules of a source', datasource], () => load(datasource), interval);
  const { from, to } = timeRange.raw;
  const end = timeRange.to.valueOf();
  useEffect(() => reload(), [reload, from, to, end]);
  return { loading: !data && !error, groups: data ?? [], error };
}

async function load(datasource: string | undefined): Promise<RuleGroup[]> {
  const url = `/api/datasources/proxy/uid/${encodeURIComponent(sourceUid(datasource))}/api/v1/rules`;
  const answer = await getBackendSrv().get<{ data?: { groups?: RuleGroup[] } }>(url, { type: 'alert' }, undefined, { showErrorAlert: false });
  return answer.data?.groups ?? [];
}
