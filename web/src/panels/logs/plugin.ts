import { PanelPlugin } from '@grafana/data';
import { LogsDedupStrategy, LogsSortOrder } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';

import { LogsPanel } from './LogsPanel';

const category = ['Logs'];

const switches = [
  ['showTime', 'Time', false],
  ['showLabels', 'Unique labels', false],
  ['showCommonLabels', 'Common labels', false],
  ['wrapLogMessage', 'Wrap lines', false],
  ['prettifyLogMessage', 'Prettify JSON', false],
  ['enableLogDetails', 'Enable log details', true],
] as const;

export const plugin = new PanelPlugin<Options>(LogsPanel).useFieldConfig({ disableStandardOptions: [] }).setPanelOptions((builder) => {
  for (const [path, name, defaultValue] of switches) {
    builder.addBooleanSwitch({ path, name, category, defaultValue });
  }
  builder
    .addRadio({
      path: 'fontSize',
      name: 'Font size',
      category,
      defaultValue: 'default' as Options['fontSize'],
      settings: {
        options: [
          { value: 'default', label: 'Default' },
          { value: 'small', label: 'Small' },
        ],
      },
    })
    .addRadio({
      path: 'timestampResolution',
      name: 'Timestamp resolution',
      category,
      defaultValue: 'ms' as Options['timestampResolution'],
      settings: {
        options: [
          { value: 'ms', label: 'Milliseconds' },
          { value: 'ns', label: 'Nanoseconds' },
        ],
      },
      showIf: (options) => options.showTime,
    })
    .addRadio({
      path: 'dedupStrategy',
      name: 'Deduplication',
      category,
      defaultValue: LogsDedupStrategy.none,
      settings: {
        options: [
          { value: LogsDedupStrategy.none, label: 'None', description: 'Every line' },
          { value: LogsDedupStrategy.exact, label: 'Exact', description: 'Equal neighbours but for their time' },
          { value: LogsDedupStrategy.numbers, label: 'Numbers', description: 'Neighbours that differ in numbers only' },
          { value: LogsDedupStrategy.signature, label: 'Signature', description: 'Neighbours with the same punctuation' },
        ],
      },
    })
    .addRadio({
      path: 'sortOrder',
      name: 'Order',
      category,
      defaultValue: LogsSortOrder.Descending,
      settings: {
        options: [
          { value: LogsSortOrder.Descending, label: 'Newest first' },
          { value: LogsSortOrder.Ascending, label: 'Oldest first' },
        ],
      },
    })
    .addStringArray({ path: 'displayedFields', name: 'Fields instead of the line', category, defaultValue: [] });
});
