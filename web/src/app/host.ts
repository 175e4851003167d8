import { EventBusSrv, type DataSourceApi, type DataQueryRequest } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import {
  config,
  locationService,
  setAppEvents,
  setBackendSrv,
  setChromeHeaderHeightHook,
  setDataSourceSrv,
  setEchoSrv,
  setLocationSrv,
  setPluginComponentsHook,
  setPluginImportUtils,
  setPluginLinksHook,
  setRunRequest,
  setTemplateSrv,
} from '@grafana/runtime';

import { bootData } from '../boot/bootData';
import { Backend, setSubUrl } from '../runtime/backendSrv';
import { Datasources, type DatasourceSettings } from '../datasources/datasourceSrv';
import { registerOptionEditors } from '../dashboard/edit/registerOptionEditors';
import { importPanelPlugin, panelPluginFromCache } from '../panels/panelImporter';
import { runRequest } from '../datasources/runRequest';
import { registerStandardFieldConfig } from '../dashboard/edit/standardFieldConfig';
import { Templates } from '../runtime/templateSrv';
import { registerTransformers } from '../runtime/transformers';

/** Sets all services that Grafana's libraries look up; called once, before anything is rendered. */
export async function claimHost() {
  setSubUrl(bootData.subUrl);
  setAppEvents(new EventBusSrv());
  setBackendSrv(new Backend());
  setTemplateSrv(new Templates());
  setDataSourceSrv(new Datasources(bootData.settings as unknown as DatasourceSettings));
  setPluginImportUtils({ importPanelPlugin, getPanelPluginFromCache: panelPluginFromCache });
  setRunRequest((datasource, request) => runRequest(datasource as DataSourceApi, request as DataQueryRequest));
  setLocationSrv({ update: ({ path, query, partial, replace }) => updateLocation(path, query, partial, replace) });
  setEchoSrv({ flush() {}, addBackend() {}, addEvent() {}, onInteraction: () => () => {} });
  setPluginLinksHook(() => ({ isLoading: false, links: [] }));
  setPluginComponentsHook(() => ({ isLoading: false, components: [] }));
  setChromeHeaderHeightHook(() => 0);
  registerOptionEditors();
  registerStandardFieldConfig();
  registerTransformers();
  await initPluginTranslations('grafana', []);
  config.theme2.isDark ? document.body.classList.add('theme-dark') : document.body.classList.add('theme-light');
}

function updateLocation(path: string | undefined, query: Record<string, unknown> | undefined, partial?: boolean, replace?: boolean) {
  if (path === undefined && partial) {
    locationService.partial(query ?? {}, replace);
    return;
  }
  const search = new URLSearchParams(Object.entries(query ?? {}).map(([k, v]) => [k, String(v)])).toString();
  const target = { pathname: path ?? locationService.getLocation().pathname, search };
  replace ? locationService.replace(target) : locationService.push(target);
}
