import type { DataSourceRef } from '@grafana/schema';

/** Older dashboards name a data source by a string; the look-up finds it by uid and by name. */
export function refOf(ref: DataSourceRef | string | null | undefined): DataSourceRef | undefined {
  if (ref === null || ref === undefined || ref === '' || ref === 'default') {
    return undefined;
  }
  return typeof ref === 'string' ? { uid: ref } : ref;
}
