import { getBackendSrv } from '@grafana/runtime';

export interface DataSource {
  uid: string;
  name: string;
  type: string;
  typeName: string;
  url: string;
  isDefault: boolean;
  /** It comes from a file of provisioning. */
  readOnly: boolean;
}

export interface Health {
  status: 'OK' | 'ERROR';
  message: string;
}

export const datasources = {
  list: () => getBackendSrv().get<DataSource[]>('/api/datasources'),
  /** Asks a data source whether it answers as its type does; one that does not is an error with the reason. */
  test: (uid: string) => getBackendSrv().get<Health>(`/api/datasources/uid/${encodeURIComponent(uid)}/health`, undefined, undefined, { showErrorAlert: false }),
};
