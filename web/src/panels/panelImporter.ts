import { PluginType, type PanelPlugin, type PanelPluginMeta } from '@grafana/data';

import { bootData } from '../boot/bootData';
import { panelLoaders } from './registry';
import { own } from '../boot/own';

const loaded = new Map<string, PanelPlugin>();

/** Loads the code of a panel type; unknown types are shown by the "unknown" panel. */
export async function importPanelPlugin(id: string): Promise<PanelPlugin> {
  const cached = loaded.get(id);
  if (cached) {
    return cached;
  }
  const known = own(panelLoaders, id);
  const loader = known ?? panelLoaders['unknown'];
  if (!loader) {
    throw new Error(`there is no panel type ${id}`);
  }
  const { plugin } = await loader.load();
  plugin.meta = panelMeta(known ? id : 'unknown', loader.name);
  loaded.set(plugin.meta.id, plugin);
  return plugin;
}

export function panelPluginFromCache(id: string): PanelPlugin | undefined {
  return loaded.get(id);
}

const withoutQueries = new Set(['text', 'dashlist', 'alertlist', 'row']);

function panelMeta(id: string, name: string): PanelPluginMeta {
  return {
    id,
    name,
    type: PluginType.panel,
    module: `core:plugin/${id}`,
    baseUrl: '',
    sort: 1,
    skipDataQuery: withoutQueries.has(id),
    info: {
      author: { name: 'Ausguck' },
      description: '',
      links: [],
      logos: { small: '', large: '' },
      screenshots: [],
      updated: '',
      version: bootData.version,
    },
  };
}
