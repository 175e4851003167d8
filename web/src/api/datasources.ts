import { getBackendSrv } from '@grafana/runtime';

export interface DataSource {
  uid: string;
  name: string;
  type: string;
  typeName: string;
  url: string;
  isDefault: boolean;
  /** It comes from a provisioning file. */
  readOnly: boolean;
}

export interface Health {
  status: 'OK' | 'ERROR';
  message: string;
}

export const datasources = {
  list: () => getBackendSrv().get<DataSource[]>('/api/datasources'),
  /** Checks whether a data source responds as its type should; if not, it fails with the reason. */
  test: (uid: string) => getBackendSrv().get<Health>(`/api/datasources/uid/${encodeURIComponent(uid)}/health`, undefined, undefined, { showErrorAlert: false }),
};
