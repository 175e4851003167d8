import type { DataSourceApi, DataSourceInstanceSettings } from '@grafana/data';

// Each data source has its own types of queries and options.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Load = (settings: DataSourceInstanceSettings) => Promise<DataSourceApi<any, any>>;

/** All data source types; their code is loaded for the first query. */
export const datasourceLoaders: Record<string, Load> = {
  prometheus: async (s) => new (await import('./prometheus/PrometheusDatasource')).PrometheusDatasource(s),
  loki: async (s) => new (await import('./loki/LokiDatasource')).LokiDatasource(s),
  alertmanager: async (s) => new (await import('./alertmanager/AlertmanagerDatasource')).AlertmanagerDatasource(s),
  mixed: async (s) => new (await import('./mixed/MixedDatasource')).MixedDatasource(s),
  dashboard: async (s) => new (await import('./dashboard/DashboardDatasource')).DashboardDatasource(s),
  grafana: async (s) => new (await import('./grafana/GrafanaDatasource')).GrafanaDatasource(s),
};
