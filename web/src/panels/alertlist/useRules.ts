import { useEffect, useState } from 'react';
import type { TimeRange } from '@grafana/data';
import { getBackendSrv, getDataSourceSrv } from '@grafana/runtime';

import type { RuleGroup } from './alerts';

export interface Rules {
  loading: boolean;
  groups: RuleGroup[];
  error?: string;
}

const interval = 30_000;

/** The data source that is named, or the default Prometheus. */
function sourceUid(name: string | undefined): string {
  const sources = getDataSourceSrv();
  const named = name ? sources.getInstanceSettings(name) : undefined;
  if (named) {
    return named.uid;
  }
  const all = sources.getList({ type: 'prometheus' });
  const found = all.find((source) => source.isDefault) ?? all[0];
  if (found === undefined) {
    throw new Error('there is no Prometheus data source to ask for alerts');
  }
  return found.uid;
}

/** The alerting rules of a data source; asked again with the dashboard's refresh and every half minute. */
export function useRules(datasource: string | undefined, timeRange: TimeRange): Rules {
  const [rules, setRules] = useState<Rules>({ loading: true, groups: [] });
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && setTick((n) => n + 1), interval);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    let stale = false;
    const load = async () => {
      const uid = sourceUid(datasource);
      const answer = await getBackendSrv().get<{ data?: { groups?: RuleGroup[] } }>(
        `/api/datasources/proxy/uid/${encodeURIComponent(uid)}/api/v1/rules`, { type: 'alert' }, undefined, { showErrorAlert: false }
      );
      return answer.data?.groups ?? [];
    };
    load().then(
      (groups) => stale || setRules({ loading: false, groups }),
      (error: unknown) => stale || setRules((before) => ({ ...before, loading: false, error: messageOf(error) }))
    );
    return () => {
      stale = true;
    };
  }, [datasource, timeRange.raw.from, timeRange.raw.to, timeRange.to.valueOf(), tick]);
  return rules;
}

function messageOf(error: unknown): string {
  const { data, message, statusText } = (error ?? {}) as { data?: { message?: string; error?: string }; message?: string; statusText?: string };
  return data?.message ?? data?.error ?? message ?? statusText ?? 'the alerts could not be read';
}
