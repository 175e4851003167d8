import { FieldColorModeId, FieldConfigProperty, PanelPlugin } from '@grafana/data';
import { AxisPlacement, GraphGradientMode, ScaleDistribution, StackingMode } from '@grafana/schema';
import type { FieldConfig, Options } from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';

import { addLegendOptions, addTooltipOptions } from '../shared/legendOptions';
import { addPlain, isGraphable } from '../timeseries/fieldConfig';
import { HistogramPanel } from './HistogramPanel';

const category = ['Histogram'];

/** Options without an editor. */
const defaults = {
  stacking: { mode: StackingMode.None, group: 'A' },
  hideFrom: { legend: false, tooltip: false, viz: false },
  scaleDistribution: { type: ScaleDistribution.Linear },
  axisPlacement: AxisPlacement.Auto,
  axisGridShow: true,
  axisLabel: '',
  axisWidth: undefined,
  axisSoftMin: undefined,
  axisSoftMax: undefined,
};

export const plugin = new PanelPlugin<Options, FieldConfig>(HistogramPanel)
  .useFieldConfig({
    standardOptions: {
      [FieldConfigProperty.Color]: { settings: { byValueSupport: true, bySeriesSupport: true }, defaultValue: { mode: FieldColorModeId.PaletteClassic } },
    },
    useCustomConfig: (builder) => {
      const shouldApply = isGraphable;
      builder
        .addSliderInput({ path: 'lineWidth', name: 'Line width', defaultValue: 1, settings: { min: 0, max: 10, step: 1 }, shouldApply })
        .addSliderInput({ path: 'fillOpacity', name: 'Fill opacity', defaultValue: 80, settings: { min: 0, max: 100, step: 1 }, shouldApply })
        .addRadio({
          path: 'gradientMode',
          name: 'Gradient mode',
          defaultValue: GraphGradientMode.None,
          shouldApply,
          settings: { options: Object.values(GraphGradientMode).map((value) => ({ value, label: value })) },
        });
      addPlain(builder, Object.keys(defaults) as Array<keyof FieldConfig & string>, defaults as FieldConfig, shouldApply);
    },
  })
  .setPanelOptions((builder) => {
    builder
      .addNumberInput({
        path: 'bucketCount',
        name: 'Bucket count',
        description: 'Approximately.',
        category,
        settings: { placeholder: '30', min: 1, integer: true },
      })
      .addNumberInput({ path: 'bucketSize', name: 'Bucket size', category, settings: { placeholder: 'Auto', min: 0 } })
      .addNumberInput({ path: 'bucketOffset', name: 'Bucket offset', category, defaultValue: 0, settings: { placeholder: '0' } })
      .addBooleanSwitch({ path: 'combine', name: 'Combine series', category, defaultValue: false });
    addLegendOptions(builder);
    addTooltipOptions(builder);
  });
