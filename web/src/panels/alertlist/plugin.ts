import { PanelPlugin } from '@grafana/data';

import { AlertListPanel } from './AlertListPanel';
import type { AlertListOptions } from './alerts';

const category = ['Alert list'];
const states = [
  ['firing', 'Firing', true],
  ['pending', 'Pending', true],
  ['noData', 'No data', false],
  ['normal', 'Normal', false],
  ['error', 'Error', true],
] as const;

export const plugin = new PanelPlugin<AlertListOptions>(AlertListPanel).setPanelOptions((builder) => {
  builder
    .addRadio({
      path: 'viewMode',
      name: 'View mode',
      category,
      defaultValue: 'list' as AlertListOptions['viewMode'],
      settings: {
        options: [
          { value: 'list', label: 'List' },
          { value: 'stat', label: 'Stat' },
        ],
      },
    })
    .addRadio({
      path: 'groupMode',
      name: 'Group mode',
      category,
      defaultValue: 'default' as AlertListOptions['groupMode'],
      settings: {
        options: [
          { value: 'default', label: 'By rule' },
          { value: 'custom', label: 'By labels' },
        ],
      },
    })
    .addStringArray({ path: 'groupBy', name: 'Group by', category, defaultValue: [], showIf: (options) => options.groupMode === 'custom' })
    .addNumberInput({ path: 'maxItems', name: 'Max items', category, defaultValue: 20, settings: { min: 1, integer: true } })
    .addSelect({
      path: 'sortOrder',
      name: 'Sort order',
      category,
      defaultValue: 1,
      settings: {
        options: [
          { value: 1, label: 'Alphabetical (asc)' },
          { value: 2, label: 'Alphabetical (desc)' },
          { value: 3, label: 'Importance' },
          { value: 4, label: 'Time (asc)' },
          { value: 5, label: 'Time (desc)' },
        ],
      },
    })
    .addBooleanSwitch({ path: 'showInstances', name: 'Show instances', category, defaultValue: false })
    .addTextInput({ path: 'alertName', name: 'Alert name', category: ['Filter'], defaultValue: '' })
    .addTextInput({
      path: 'alertInstanceLabelFilter',
      name: 'Label filter',
      category: ['Filter'],
      defaultValue: '',
      settings: { placeholder: '{severity="critical"}' },
    })
    .addTextInput({
      path: 'datasource',
      name: 'Data source',
      description: 'Name of a Prometheus data source; default if empty.',
      category: ['Filter'],
      defaultValue: '',
    });
  for (const [state, name, defaultValue] of states) {
    builder.addBooleanSwitch({ path: `stateFilter.${state}`, name, category: ['State'], defaultValue });
  }
});
