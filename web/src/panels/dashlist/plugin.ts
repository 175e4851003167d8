import { PanelPlugin } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/dashboardlist/panelcfg/x/DashboardListPanelCfg_types.gen';

import { DashListPanel } from './DashListPanel';

const category = ['Dashboard list'];
const switches = [
  ['keepTime', 'Include current time range', false],
  ['includeVars', 'Include current variable values', false],
  ['showStarred', 'Starred', true],
  ['showRecentlyViewed', 'Recently viewed', false],
  ['showSearch', 'Search', false],
  ['showHeadings', 'Show headings', true],
  ['showFolderNames', 'Show folder names', true],
] as const;

export const plugin = new PanelPlugin<Options>(DashListPanel).setPanelOptions((builder) => {
  for (const [path, name, defaultValue] of switches) {
    builder.addBooleanSwitch({ path, name, category, defaultValue });
  }
  builder
    .addNumberInput({ path: 'maxItems', name: 'Max items', category, defaultValue: 10, settings: { min: 1, integer: true } })
    .addTextInput({ path: 'query', name: 'Query', category: ['Search'], defaultValue: '' })
    .addTextInput({ path: 'folderUID', name: 'Folder uid', category: ['Search'], defaultValue: '' })
    .addStringArray({ path: 'tags', name: 'Tags', category: ['Search'], defaultValue: [] });
});
