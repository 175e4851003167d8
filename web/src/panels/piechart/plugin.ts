import { FieldColorModeId, FieldConfigProperty, FieldType, identityOverrideProcessor, PanelPlugin } from '@grafana/data';
import { LegendDisplayMode, SortOrder, TooltipDisplayMode, type LegendPlacement } from '@grafana/schema';
import type {
  FieldConfig,
  Options,
  PieChartLabels,
  PieChartLegendValues,
  PieChartType,
} from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';

import { legendModes, legendPlaces, tooltipModes } from '../shared/legendOptions';
import { addReduceOptions } from '../shared/reduce';
import { PieChartPanel } from './PieChartPanel';

const category = ['Pie chart'];
const legend = ['Legend'];

export const plugin = new PanelPlugin<Options, FieldConfig>(PieChartPanel)
  .useFieldConfig({
    disableStandardOptions: [FieldConfigProperty.Thresholds],
    standardOptions: { [FieldConfigProperty.Color]: { defaultValue: { mode: FieldColorModeId.PaletteClassic } } },
    useCustomConfig: (builder) => {
      builder.addCustomEditor({
        id: 'hideFrom',
        path: 'hideFrom',
        name: 'Hide in area',
        category: ['Series'],
        defaultValue: { tooltip: false, viz: false, legend: false },
        editor: () => null,
        override: () => null,
        hideFromDefaults: true,
        process: identityOverrideProcessor,
        shouldApply: (field) => field.type !== FieldType.time,
      });
    },
  })
  .setPanelOptions((builder) => {
    addReduceOptions(builder);
    builder
      .addRadio({
        path: 'pieType',
        name: 'Pie chart type',
        category,
        defaultValue: 'pie' as PieChartType,
        settings: {
          options: [
            { value: 'pie', label: 'Pie' },
            { value: 'donut', label: 'Donut' },
          ] as never,
        },
      })
      .addRadio({
        path: 'sort',
        name: 'Slice sorting',
        category,
        defaultValue: SortOrder.Descending,
        settings: {
          options: [
            { value: SortOrder.Descending, label: 'Descending' },
            { value: SortOrder.Ascending, label: 'Ascending' },
            { value: SortOrder.None, label: 'None' },
          ],
        },
      })
      .addMultiSelect({
        path: 'displayLabels',
        name: 'Labels',
        category,
        defaultValue: [] as PieChartLabels[],
        settings: {
          options: [
            { value: 'percent', label: 'Percent' },
            { value: 'name', label: 'Name' },
            { value: 'value', label: 'Value' },
          ] as never,
        },
      })
      .addRadio({
        path: 'tooltip.mode',
        name: 'Tooltip mode',
        category: ['Tooltip'],
        defaultValue: TooltipDisplayMode.Single,
        settings: { options: tooltipModes },
      })
      .addBooleanSwitch({ path: 'legend.showLegend', name: 'Visibility', category: legend, defaultValue: true })
      .addRadio({
        path: 'legend.displayMode',
        name: 'Mode',
        category: legend,
        defaultValue: LegendDisplayMode.List,
        settings: { options: legendModes },
      })
      .addRadio({
        path: 'legend.placement',
        name: 'Placement',
        category: legend,
        defaultValue: 'right' as LegendPlacement,
        settings: { options: legendPlaces },
      })
      .addMultiSelect({
        path: 'legend.values',
        name: 'Values',
        category: legend,
        defaultValue: [] as PieChartLegendValues[],
        settings: {
          options: [
            { value: 'percent', label: 'Percent' },
            { value: 'value', label: 'Value' },
          ] as never,
        },
      });
  });
