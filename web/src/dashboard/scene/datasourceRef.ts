import type { DataSourceRef } from '@grafana/schema';

/** In older dashboards, the reference is a string; the lookup finds data sources by uid and by name. */
export function refOf(ref: DataSourceRef | string | null | undefined): DataSourceRef | undefined {
  if (ref === null || ref === undefined || ref === '' || ref === 'default') {
    return undefined;
  }
  return typeof ref === 'string' ? { uid: ref } : ref;
}
