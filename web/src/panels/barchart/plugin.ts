import { FieldColorModeId, FieldConfigProperty, FieldType, PanelPlugin, type Field, type PanelOptionsEditorBuilder } from '@grafana/data';
import { AxisPlacement, GraphGradientMode, GraphThresholdsStyleMode, ScaleDistribution, StackingMode, VisibilityMode, VizOrientation } from '@grafana/schema';

import { addLegendOptions, addTooltipOptions } from '../shared/legendOptions';
import { addPlain } from '../timeseries/fieldConfig';
import { BarChartPanel } from './BarChartPanel';
import type { BarFieldConfig, Options } from './options';

const defaults = {
  lineWidth: 1,
  fillOpacity: 80,
  gradientMode: GraphGradientMode.None,
  axisPlacement: AxisPlacement.Auto,
  axisCenteredZero: false,
  axisBorderShow: false,
  thresholdsStyle: { mode: GraphThresholdsStyleMode.Off },
  scaleDistribution: { type: ScaleDistribution.Linear },
  hideFrom: { legend: false, tooltip: false, viz: false },
} as BarFieldConfig;

const list = (values: string[]) => values.map((value) => ({ value, label: value }));

export const plugin = new PanelPlugin<Options, BarFieldConfig>(BarChartPanel)
  .useFieldConfig({
    standardOptions: {
      [FieldConfigProperty.Color]: { settings: { byValueSupport: true, preferThresholdsMode: false }, defaultValue: { mode: FieldColorModeId.PaletteClassic } },
    },
    useCustomConfig: (builder) => {
      const shouldApply = (field: Field) => field.type === FieldType.number || field.type === FieldType.boolean;
      builder
        .addSliderInput({ path: 'lineWidth', name: 'Line width', defaultValue: defaults.lineWidth, settings: { min: 0, max: 10, step: 1 }, shouldApply })
        .addSliderInput({ path: 'fillOpacity', name: 'Fill opacity', defaultValue: defaults.fillOpacity, settings: { min: 0, max: 100, step: 1 }, shouldApply })
        .addRadio({
          path: 'gradientMode',
          name: 'Gradient mode',
          defaultValue: defaults.gradientMode,
          settings: { options: list(Object.values(GraphGradientMode)) as never },
          shouldApply,
        })
        .addRadio({
          path: 'axisPlacement',
          name: 'Axis placement',
          defaultValue: AxisPlacement.Auto,
          settings: { options: list([AxisPlacement.Auto, AxisPlacement.Left, AxisPlacement.Right, AxisPlacement.Hidden]) as never },
        })
        .addTextInput({ path: 'axisLabel', name: 'Axis label' });
      addPlain(
        builder,
        ['thresholdsStyle', 'scaleDistribution', 'axisColorMode', 'axisSoftMin', 'axisSoftMax', 'axisCenteredZero', 'axisBorderShow', 'hideFrom'],
        defaults,
        shouldApply
      );
      // These apply to the group axis too.
      addPlain(builder, ['axisWidth', 'axisGridShow'], defaults, () => true);
    },
  })
  .setPanelOptions((builder) => {
    addBars(builder);
    addLegendOptions(builder);
    addTooltipOptions(builder);
  });

function addBars(builder: PanelOptionsEditorBuilder<Options>) {
  builder
    .addTextInput({ path: 'xField', name: 'X axis', description: 'Name of the field; empty: the first of text or time', settings: { placeholder: 'Auto' } })
    .addRadio({
      path: 'orientation',
      name: 'Orientation',
      defaultValue: VizOrientation.Auto,
      settings: { options: list([VizOrientation.Auto, VizOrientation.Horizontal, VizOrientation.Vertical]) as never },
    })
    .addSliderInput({ path: 'xTickLabelRotation', name: 'Rotate x-axis tick labels', defaultValue: 0, settings: { min: -90, max: 90, step: 15 } })
    .addNumberInput({ path: 'xTickLabelMaxLength', name: 'X-axis tick label max length', settings: { placeholder: 'None', integer: true, min: 0 } })
    .addNumberInput({ path: 'xTickLabelSpacing', name: 'X-axis labels minimum spacing', defaultValue: 0, settings: { integer: true } })
    .addRadio({
      path: 'showValue',
      name: 'Show values',
      defaultValue: VisibilityMode.Auto,
      settings: { options: list(Object.values(VisibilityMode)) as never },
    })
    .addRadio({
      path: 'stacking',
      name: 'Stacking',
      defaultValue: StackingMode.None,
      settings: {
        options: [
          { value: StackingMode.None, label: 'Off' },
          { value: StackingMode.Normal, label: 'Normal' },
          { value: StackingMode.Percent, label: '100%' },
        ],
      },
    })
    .addSliderInput({ path: 'groupWidth', name: 'Group width', defaultValue: 0.7, settings: { min: 0, max: 1, step: 0.01 } })
    .addSliderInput({ path: 'barWidth', name: 'Bar width', defaultValue: 0.97, settings: { min: 0, max: 1, step: 0.01 } })
    .addSliderInput({ path: 'barRadius', name: 'Bar radius', defaultValue: 0, settings: { min: 0, max: 0.5, step: 0.05 } })
    .addBooleanSwitch({ path: 'fullHighlight', name: 'Highlight full area on hover', defaultValue: false })
    .addTextInput({ path: 'colorByField', name: 'Color by field', settings: { placeholder: 'None' } })
    .addNumberInput({ path: 'text.valueSize', name: 'Value text size', settings: { placeholder: 'Auto', integer: true, min: 1 } });
}
