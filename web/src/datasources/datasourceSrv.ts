import type { DataSourceApi, DataSourceInstanceSettings, DataSourceRef, ScopedVars } from '@grafana/data';
import { getBackendSrv, getTemplateSrv, type DataSourceSrv, type GetDataSourceListFilters, type RuntimeDataSourceRegistration } from '@grafana/runtime';

import { datasourceLoaders } from './registry';
import { withNotice } from './withNotice';
import { own } from '../boot/own';

/** The data sources in the response of /api/frontend/settings. */
export interface DatasourceSettings {
  /** By name. */
  datasources: Record<string, DataSourceInstanceSettings>;
  /** Name of the default data source. */
  defaultDatasource: string;
}

const builtIn: Array<{ uid: string; name: string; type: string; flags: object }> = [
  { uid: 'grafana', name: '-- Grafana --', type: 'grafana', flags: { builtIn: true, annotations: true, metrics: true } },
  { uid: '-- Mixed --', name: '-- Mixed --', type: 'mixed', flags: { builtIn: true, mixed: true, metrics: true } },
  { uid: '-- Dashboard --', name: '-- Dashboard --', type: 'dashboard', flags: { builtIn: true, metrics: true } },
];

/** Result of a lookup: the settings, and a message if they are not those of the requested data source. */
interface Resolved {
  settings: DataSourceInstanceSettings;
  notice?: string;
}

/**
 * Finds data sources by uid, name or variable. If a data source does not exist, it returns the default of its type,
 * with a notice.
 */
export class Datasources implements DataSourceSrv {
  private readonly byUid = new Map<string, DataSourceInstanceSettings>();
  private readonly byName = new Map<string, DataSourceInstanceSettings>();
  private readonly instances = new Map<string, Promise<DataSourceApi>>();
  private defaultName = '';

  constructor(settings: DatasourceSettings) {
    this.use(settings);
  }

  private use(settings: DatasourceSettings) {
    this.byUid.clear();
    this.byName.clear();
    this.instances.clear();
    this.defaultName = settings.defaultDatasource;
    for (const one of Object.values(settings.datasources ?? {})) {
      this.add(one);
    }
    for (const one of builtIn) {
      if (!this.byName.has(one.name)) {
        this.add(builtInSettings(one));
      }
    }
  }

  private add(settings: DataSourceInstanceSettings) {
    this.byUid.set(settings.uid, settings);
    this.byName.set(settings.name, settings);
  }

  async get(ref?: DataSourceRef | string | null, scopedVars?: ScopedVars): Promise<DataSourceApi> {
    const found = this.resolve(ref, scopedVars);
    if (!found) {
      throw new Error(`data source ${describe(ref)} was not found; the Prometheus of this program is named "Prometheus"`);
    }
    const instance = await this.instance(found.settings);
    return found.notice ? withNotice(instance, found.notice) : instance;
  }

  private instance(settings: DataSourceInstanceSettings): Promise<DataSourceApi> {
    let instance = this.instances.get(settings.uid);
    if (!instance) {
      instance = create(settings);
      this.instances.set(settings.uid, instance);
    }
    return instance;
  }

  getInstanceSettings(ref?: DataSourceRef | string | null, scopedVars?: ScopedVars): DataSourceInstanceSettings | undefined {
    return this.resolve(ref, scopedVars)?.settings;
  }

  private resolve(ref: DataSourceRef | string | null | undefined, scopedVars?: ScopedVars): Resolved | undefined {
    const type = typeof ref === 'object' ? ref?.type : undefined;
    const asked = typeof ref === 'string' ? ref : ref?.uid;
    if (!asked || asked === 'default') {
      const settings = (type && this.defaultOfType(type)) || this.byName.get(this.defaultName) || this.first();
      return settings && { settings };
    }
    let id = asked;
    if (id.includes('$') || id.startsWith('[[')) {
      id = getTemplateSrv().replace(id, scopedVars, (value: string | string[]) => (Array.isArray(value) ? (value[0] ?? '') : value));
      if (id === '' || id === 'default') {
        return this.resolve({ type }, scopedVars);
      }
    }
    const settings = this.byUid.get(id) ?? this.byName.get(id);
    if (settings) {
      return { settings };
    }
    const fallback = this.defaultOfType(type ?? 'prometheus');
    return fallback && { settings: fallback, notice: `Data source ${asked} was not found: ${fallback.name} is used instead.` };
  }

  private defaultOfType(type: string): DataSourceInstanceSettings | undefined {
    const all = this.all().filter((d) => d.type === type);
    return all.find((d) => d.name === this.defaultName) ?? all.find((d) => d.isDefault) ?? all.find((d) => d.uid === type) ?? all[0];
  }

  private first() {
    return this.all().find((d) => !d.meta.builtIn);
  }

  private all() {
    return [...this.byUid.values()];
  }

  getList(filters: GetDataSourceListFilters = {}): DataSourceInstanceSettings[] {
    const types = filters.type === undefined ? undefined : Array.isArray(filters.type) ? filters.type : [filters.type];
    return this.all().filter((d) => {
      const { meta } = d;
      if (meta.id === 'grafana' || meta.mixed || meta.id === 'dashboard') {
        return Boolean((meta.mixed && filters.mixed) || (meta.id === 'dashboard' && filters.dashboard));
      }
      return (
        (types === undefined || types.includes(d.type)) &&
        (!filters.metrics || meta.metrics) &&
        (!filters.logs || meta.logs) &&
        (!filters.tracing || meta.tracing) &&
        (!filters.annotations || meta.annotations) &&
        (!filters.alerting || meta.alerting) &&
        (!filters.pluginId || meta.id === filters.pluginId) &&
        (!filters.filter || filters.filter(d))
      );
    });
  }

  async reload() {
    this.use(await getBackendSrv().get<DatasourceSettings>('/api/frontend/settings'));
  }

  registerRuntimeDataSource({ dataSource }: RuntimeDataSourceRegistration) {
    this.add(dataSource.instanceSettings as DataSourceInstanceSettings);
    this.instances.set(dataSource.uid, Promise.resolve(dataSource as unknown as DataSourceApi));
  }
}

async function create(settings: DataSourceInstanceSettings): Promise<DataSourceApi> {
  const load = own(datasourceLoaders, settings.meta.id) ?? own(datasourceLoaders, settings.type);
  if (!load) {
    throw new Error(`data sources of the type ${settings.type} are not supported; Prometheus, Loki and Alertmanager are`);
  }
  const instance = await load(settings);
  instance.meta = settings.meta;
  return instance;
}

function builtInSettings({ uid, name, type, flags }: (typeof builtIn)[number]): DataSourceInstanceSettings {
  return {
    id: 0,
    uid,
    name,
    type,
    url: '',
    jsonData: {},
    access: 'proxy',
    readOnly: true,
    meta: { id: type, name, type: 'datasource', module: '', baseUrl: '', info: { logos: { small: '', large: '' } }, ...flags },
  } as unknown as DataSourceInstanceSettings;
}

function describe(ref: DataSourceRef | string | null | undefined): string {
  return typeof ref === 'string' ? ref : (ref?.uid ?? ref?.type ?? 'default');
}
