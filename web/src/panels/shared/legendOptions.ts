import { standardEditorsRegistry, type PanelOptionsEditorBuilder } from '@grafana/data';
import { LegendDisplayMode, SortOrder, TooltipDisplayMode, type LegendPlacement, type OptionsWithLegend, type OptionsWithTooltip } from '@grafana/schema';

// Choices of options shared by several panel types.
export const legendModes = [
  { value: LegendDisplayMode.List, label: 'List' },
  { value: LegendDisplayMode.Table, label: 'Table' },
];
export const legendPlaces: Array<{ value: LegendPlacement; label: string }> = [
  { value: 'bottom', label: 'Bottom' },
  { value: 'right', label: 'Right' },
];
export const tooltipModes = [
  { value: TooltipDisplayMode.Single, label: 'Single' },
  { value: TooltipDisplayMode.Multi, label: 'All' },
  { value: TooltipDisplayMode.None, label: 'Hidden' },
];

export function addLegendOptions<T extends OptionsWithLegend>(builder: PanelOptionsEditorBuilder<T>) {
  builder
    .addBooleanSwitch({ path: 'legend.showLegend', name: 'Visibility', category: ['Legend'], defaultValue: true })
    .addRadio({
      path: 'legend.displayMode',
      name: 'Mode',
      category: ['Legend'],
      defaultValue: LegendDisplayMode.List,
      settings: { options: legendModes },
    })
    .addRadio({
      path: 'legend.placement',
      name: 'Placement',
      category: ['Legend'],
      defaultValue: 'bottom',
      settings: { options: legendPlaces },
    })
    .addCustomEditor({
      id: 'legend.calcs',
      path: 'legend.calcs',
      name: 'Values',
      category: ['Legend'],
      defaultValue: [],
      settings: { allowMultiple: true },
      editor: standardEditorsRegistry.get('stats-picker').editor,
    });
}

export function addTooltipOptions<T extends OptionsWithTooltip>(builder: PanelOptionsEditorBuilder<T>) {
  builder
    .addRadio({
      path: 'tooltip.mode',
      name: 'Tooltip mode',
      category: ['Tooltip'],
      defaultValue: TooltipDisplayMode.Single,
      settings: { options: tooltipModes },
    })
    .addRadio({
      path: 'tooltip.sort',
      name: 'Values sort order',
      category: ['Tooltip'],
      defaultValue: SortOrder.None,
      settings: {
        options: [
          { value: SortOrder.None, label: 'None' },
          { value: SortOrder.Ascending, label: 'Ascending' },
          { value: SortOrder.Descending, label: 'Descending' },
        ],
      },
    });
}
