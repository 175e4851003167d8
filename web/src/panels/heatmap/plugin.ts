import { FieldConfigProperty, identityOverrideProcessor, PanelPlugin, type PanelOptionsEditorBuilder } from '@grafana/data';
import { AxisPlacement, HeatmapCalculationMode, HeatmapCellLayout, ScaleDistribution, TooltipDisplayMode, VisibilityMode } from '@grafana/schema';

import { legendPlaces, tooltipModes } from '../shared/legendOptions';
import { schemeNames } from './colors';
import { HeatmapPanel } from './HeatmapPanel';
import type { HeatmapFieldConfig, Options } from './options';

const standardOptions = new Set([FieldConfigProperty.Links, FieldConfigProperty.DisplayName, FieldConfigProperty.Unit, FieldConfigProperty.NoValue]);

export const plugin = new PanelPlugin<Options, HeatmapFieldConfig>(HeatmapPanel)
  .useFieldConfig({
    disableStandardOptions: Object.values(FieldConfigProperty).filter((v) => !standardOptions.has(v)),
    useCustomConfig: (builder) => {
      const plain = { editor: () => null, override: () => null, process: identityOverrideProcessor, shouldApply: () => true, hideFromDefaults: true };
      builder
        .addCustomEditor({
          id: 'scaleDistribution',
          path: 'scaleDistribution',
          name: 'Y axis scale',
          defaultValue: { type: ScaleDistribution.Linear },
          ...plain,
        })
        .addCustomEditor({ id: 'hideFrom', path: 'hideFrom', name: 'Hide in area', defaultValue: { viz: false, legend: false, tooltip: false }, ...plain });
    },
  })
  .setDataSupport({ annotations: true, alertStates: false })
  .setPanelOptions((builder) => {
    addCalculation(builder);
    addAxis(builder);
    addColors(builder);
    addCells(builder);
    addLegendAndTooltip(builder);
  });

const list = (values: string[]) => values.map((value) => ({ value, label: value }));

function addCalculation(builder: PanelOptionsEditorBuilder<Options>) {
  const category = ['Heatmap'];
  const modes = [
    { value: HeatmapCalculationMode.Size, label: 'Size' },
    { value: HeatmapCalculationMode.Count, label: 'Count' },
  ];
  const calculated = (options: Options) => options.calculate === true;
  builder
    .addBooleanSwitch({ path: 'calculate', name: 'Calculate from data', category, defaultValue: false })
    .addRadio({
      path: 'calculation.xBuckets.mode',
      name: 'X bucket',
      category,
      defaultValue: HeatmapCalculationMode.Size,
      settings: { options: modes },
      showIf: calculated,
    })
    .addTextInput({ path: 'calculation.xBuckets.value', name: 'X bucket value', category, settings: { placeholder: 'Auto' }, showIf: calculated })
    .addRadio({
      path: 'calculation.yBuckets.mode',
      name: 'Y bucket',
      category,
      defaultValue: HeatmapCalculationMode.Size,
      settings: { options: modes },
      showIf: calculated,
    })
    .addTextInput({ path: 'calculation.yBuckets.value', name: 'Y bucket value', category, settings: { placeholder: 'Auto' }, showIf: calculated })
    .addSelect({
      path: 'calculation.yBuckets.scale.type',
      name: 'Y bucket scale',
      category,
      defaultValue: ScaleDistribution.Linear,
      settings: {
        options: [
          { value: ScaleDistribution.Linear, label: 'Linear' },
          { value: ScaleDistribution.Log, label: 'Logarithmic' },
        ],
      },
      showIf: calculated,
    })
    .addRadio({
      path: 'calculation.yBuckets.scale.log',
      name: 'Log base',
      category,
      defaultValue: 2,
      settings: {
        options: [
          { value: 2, label: '2' },
          { value: 10, label: '10' },
        ],
      },
      showIf: (options) => calculated(options) && options.calculation?.yBuckets?.scale?.type === ScaleDistribution.Log,
    });
}

function addAxis(builder: PanelOptionsEditorBuilder<Options>) {
  const category = ['Y axis'];
  builder
    .addRadio({
      path: 'yAxis.axisPlacement',
      name: 'Placement',
      category,
      defaultValue: AxisPlacement.Left,
      settings: { options: list([AxisPlacement.Left, AxisPlacement.Right, AxisPlacement.Hidden]) as never },
    })
    .addUnitPicker({ path: 'yAxis.unit', name: 'Unit', category })
    .addNumberInput({ path: 'yAxis.decimals', name: 'Decimals', category, settings: { placeholder: 'Auto' } })
    .addNumberInput({ path: 'yAxis.min', name: 'Min value', category, settings: { placeholder: 'Auto' } })
    .addNumberInput({ path: 'yAxis.max', name: 'Max value', category, settings: { placeholder: 'Auto' } })
    .addTextInput({ path: 'yAxis.axisLabel', name: 'Label', category })
    .addBooleanSwitch({ path: 'yAxis.reverse', name: 'Reverse', category, defaultValue: false })
    .addSelect({
      path: 'rowsFrame.layout',
      name: 'Tick alignment',
      category,
      defaultValue: HeatmapCellLayout.auto,
      settings: { options: list(Object.values(HeatmapCellLayout)) as never },
      showIf: (options) => !options.calculate,
    });
}

function addColors(builder: PanelOptionsEditorBuilder<Options>) {
  const category = ['Colors'];
  const opacity = (options: Options) => options.color.mode === 'opacity';
  builder
    .addRadio({
      path: 'color.mode',
      name: 'Mode',
      category,
      defaultValue: 'scheme',
      settings: {
        options: [
          { value: 'scheme', label: 'Scheme' },
          { value: 'opacity', label: 'Opacity' },
        ],
      },
    })
    .addColorPicker({ path: 'color.fill', name: 'Color', category, defaultValue: 'dark-orange', showIf: opacity })
    .addRadio({
      path: 'color.scale',
      name: 'Scale',
      category,
      defaultValue: 'exponential',
      settings: {
        options: [
          { value: 'exponential', label: 'Exponential' },
          { value: 'linear', label: 'Linear' },
        ],
      },
      showIf: opacity,
    })
    .addSliderInput({
      path: 'color.exponent',
      name: 'Exponent',
      category,
      defaultValue: 0.5,
      settings: { min: 0.1, max: 2, step: 0.1 },
      showIf: (o) => opacity(o) && o.color.scale !== 'linear',
    })
    .addSelect({
      path: 'color.scheme',
      name: 'Scheme',
      category,
      defaultValue: 'Oranges',
      settings: { options: list(schemeNames) },
      showIf: (o) => !opacity(o),
    })
    .addSliderInput({ path: 'color.steps', name: 'Steps', category, defaultValue: 64, settings: { min: 2, max: 128, step: 1 } })
    .addBooleanSwitch({ path: 'color.reverse', name: 'Reverse', category, defaultValue: false })
    .addNumberInput({ path: 'color.min', name: 'Start color scale from value', category, settings: { placeholder: 'Auto (min)' } })
    .addNumberInput({ path: 'color.max', name: 'End color scale at value', category, settings: { placeholder: 'Auto (max)' } });
}

function addCells(builder: PanelOptionsEditorBuilder<Options>) {
  const category = ['Cell display'];
  builder
    .addRadio({
      path: 'showValue',
      name: 'Show values',
      category,
      defaultValue: VisibilityMode.Auto,
      settings: { options: list(Object.values(VisibilityMode)) as never },
    })
    .addUnitPicker({ path: 'cellValues.unit', name: 'Unit', category })
    .addNumberInput({ path: 'cellValues.decimals', name: 'Decimals', category, settings: { placeholder: 'Auto' } })
    .addSliderInput({ path: 'cellGap', name: 'Cell gap', category, defaultValue: 1, settings: { min: 0, max: 25, step: 1 } })
    .addNumberInput({ path: 'filterValues.le', name: 'Hide cells with values <=', category, defaultValue: 1e-9, settings: { placeholder: 'None' } })
    .addNumberInput({ path: 'filterValues.ge', name: 'Hide cells with values >=', category, settings: { placeholder: 'None' } });
}

function addLegendAndTooltip(builder: PanelOptionsEditorBuilder<Options>) {
  const shown = (options: Options) => options.tooltip.mode !== TooltipDisplayMode.None;
  builder
    .addBooleanSwitch({ path: 'legend.show', name: 'Show legend', category: ['Legend'], defaultValue: true })
    .addRadio({
      path: 'legend.placement',
      name: 'Placement',
      category: ['Legend'],
      defaultValue: 'bottom',
      settings: { options: legendPlaces },
    })
    .addRadio({
      path: 'tooltip.mode',
      name: 'Tooltip mode',
      category: ['Tooltip'],
      defaultValue: TooltipDisplayMode.Single,
      settings: { options: tooltipModes },
    })
    .addBooleanSwitch({ path: 'tooltip.yHistogram', name: 'Show histogram (Y axis)', category: ['Tooltip'], defaultValue: false, showIf: shown })
    .addBooleanSwitch({ path: 'tooltip.showColorScale', name: 'Show color scale', category: ['Tooltip'], defaultValue: false, showIf: shown })
    .addColorPicker({ path: 'exemplars.color', name: 'Exemplar color', category: ['Exemplars'], defaultValue: 'rgba(255,0,255,0.7)' });
}
