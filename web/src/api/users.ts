import { getBackendSrv } from '@grafana/runtime';

export type Role = 'Viewer' | 'Editor' | 'Admin';

export interface User {
  userId: number;
  login: string;
  name: string;
  email: string;
  role: Role;
  lastSeenAt: string;
  isDisabled: boolean;
}

/** A service account. */
export interface Account {
  id: number;
  name: string;
  login: string;
  role: Role;
  tokens: number;
  isDisabled: boolean;
}

export interface Token {
  id: number;
  name: string;
  created: string;
  lastUsedAt: string | null;
  expiration: string | null;
  hasExpired: boolean;
}

const quiet = { showErrorAlert: false };
const get = <T>(url: string, params?: Record<string, unknown>) => getBackendSrv().get<T>(url, params, undefined, quiet);

/** Grafana's API for users and service accounts. */
export const users = {
  list: () => get<User[]>('/api/org/users'),
  create: (user: { login: string; password: string; name?: string; email?: string }) => getBackendSrv().post<{ id: number }>('/api/admin/users', user, quiet),
  setRole: (id: number, role: Role) => getBackendSrv().patch(`/api/org/users/${id}`, { role }, quiet),
  setPassword: (id: number, password: string) => getBackendSrv().put(`/api/admin/users/${id}/password`, { password }, quiet),
  setDisabled: (id: number, disabled: boolean) => getBackendSrv().post(`/api/admin/users/${id}/${disabled ? 'disable' : 'enable'}`, undefined, quiet),
  remove: (id: number) => getBackendSrv().delete(`/api/admin/users/${id}`, undefined, quiet),
};

export const accounts = {
  list: async () => (await get<{ serviceAccounts: Account[] | null }>('/api/serviceaccounts/search', { perpage: 1000 })).serviceAccounts ?? [],
  create: (name: string, role: Role) => getBackendSrv().post<{ id: number }>('/api/serviceaccounts', { name, role }, quiet),
  remove: (id: number) => getBackendSrv().delete(`/api/serviceaccounts/${id}`, undefined, quiet),
  tokens: (id: number) => get<Token[]>(`/api/serviceaccounts/${id}/tokens`),
  createToken: (id: number, name: string, secondsToLive: number) =>
    getBackendSrv().post<{ key: string }>(`/api/serviceaccounts/${id}/tokens`, { name, secondsToLive }, quiet),
  removeToken: (id: number, token: number) => getBackendSrv().delete(`/api/serviceaccounts/${id}/tokens/${token}`, undefined, quiet),
};
