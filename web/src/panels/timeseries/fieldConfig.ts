import {
  FieldColorModeId,
  FieldConfigProperty,
  FieldType,
  identityOverrideProcessor,
  type Field,
  type FieldConfigEditorBuilder,
  type SetFieldConfigOptionsArgs,
} from '@grafana/data';
import {
  AxisColorMode,
  AxisPlacement,
  BarAlignment,
  GraphDrawStyle,
  GraphGradientMode,
  GraphThresholdsStyleMode,
  LineInterpolation,
  ScaleDistribution,
  StackingMode,
  VisibilityMode,
  type GraphFieldConfig,
} from '@grafana/schema';

/** Whether options apply to a field: to values, but not to time. */
export const isGraphable = (field: Field) => field.type !== FieldType.time;

const options = (values: Record<string, string>) => Object.values(values).map((value) => ({ value, label: value }));

export const defaultGraphConfig: GraphFieldConfig = {
  drawStyle: GraphDrawStyle.Line,
  lineInterpolation: LineInterpolation.Linear,
  lineWidth: 1,
  fillOpacity: 0,
  gradientMode: GraphGradientMode.None,
  barAlignment: BarAlignment.Center,
  barWidthFactor: 0.6,
  stacking: { mode: StackingMode.None, group: 'A' },
  axisPlacement: AxisPlacement.Auto,
  axisColorMode: AxisColorMode.Text,
  axisCenteredZero: false,
  axisBorderShow: false,
  spanNulls: false,
  insertNulls: false,
  showPoints: VisibilityMode.Auto,
  pointSize: 5,
  showValues: false,
  // The schema's type requires all of the editor's hide flags.
  hideFrom: { legend: false, tooltip: false, viz: false },
  scaleDistribution: { type: ScaleDistribution.Linear },
  thresholdsStyle: { mode: GraphThresholdsStyleMode.Off },
} as GraphFieldConfig;

/** Options without an editor: they come from JSON and overrides. */
const plain: Array<keyof GraphFieldConfig> = [
  'stacking',
  'hideFrom',
  'scaleDistribution',
  'thresholdsStyle',
  'lineStyle',
  'lineColor',
  'fillColor',
  'fillBelowTo',
  'pointColor',
  'pointSymbol',
  'barMaxWidth',
  'barWidthFactor',
  'transform',
  'axisGridShow',
  'axisWidth',
  'axisSoftMin',
  'axisSoftMax',
  'axisLabel',
  'axisCenteredZero',
  'axisBorderShow',
  'axisColorMode',
  'insertNulls',
  'spanNulls',
];

/** The field options of all panels that draw lines, bars or points over an axis. */
export function graphFieldConfig(defaults: GraphFieldConfig = defaultGraphConfig): SetFieldConfigOptionsArgs<GraphFieldConfig> {
  return {
    standardOptions: {
      [FieldConfigProperty.Color]: {
        settings: { byValueSupport: true, bySeriesSupport: true, preferThresholdsMode: false },
        defaultValue: { mode: FieldColorModeId.PaletteClassic },
      },
    },
    useCustomConfig: (builder) => {
      const shouldApply = isGraphable;
      builder
        .addRadio({ path: 'drawStyle', name: 'Style', defaultValue: defaults.drawStyle, settings: { options: options(GraphDrawStyle) }, shouldApply })
        .addRadio({
          path: 'lineInterpolation',
          name: 'Line interpolation',
          defaultValue: defaults.lineInterpolation,
          settings: { options: options(LineInterpolation) },
          shouldApply,
        })
        .addSliderInput({ path: 'lineWidth', name: 'Line width', defaultValue: defaults.lineWidth, settings: { min: 0, max: 10, step: 1 }, shouldApply })
        .addSliderInput({ path: 'fillOpacity', name: 'Fill opacity', defaultValue: defaults.fillOpacity, settings: { min: 0, max: 100, step: 1 }, shouldApply })
        .addRadio({
          path: 'gradientMode',
          name: 'Gradient mode',
          defaultValue: defaults.gradientMode,
          settings: { options: options(GraphGradientMode) },
          shouldApply,
        })
        .addRadio({ path: 'showPoints', name: 'Show points', defaultValue: defaults.showPoints, settings: { options: options(VisibilityMode) }, shouldApply })
        .addSliderInput({ path: 'pointSize', name: 'Point size', defaultValue: defaults.pointSize, settings: { min: 1, max: 40, step: 1 }, shouldApply })
        .addRadio({
          path: 'barAlignment',
          name: 'Bar alignment',
          defaultValue: defaults.barAlignment,
          settings: {
            options: [
              { value: -1, label: 'before' },
              { value: 0, label: 'center' },
              { value: 1, label: 'after' },
            ],
          },
          shouldApply,
        })
        .addRadio({
          path: 'axisPlacement',
          name: 'Axis placement',
          defaultValue: defaults.axisPlacement,
          settings: { options: options(AxisPlacement) },
          shouldApply,
        });
      addPlain(builder, plain, defaults, shouldApply);
    },
  };
}

export function addPlain<T extends object>(
  builder: FieldConfigEditorBuilder<T>,
  paths: Array<keyof T & string>,
  defaults: T,
  shouldApply: (field: Field) => boolean
) {
  for (const path of paths) {
    builder.addCustomEditor({
      // The builder's path type cannot be computed for a generic T.
      id: path,
      path: path as never,
      name: path,
      defaultValue: defaults[path] as never,
      editor: () => null,
      override: () => null,
      process: identityOverrideProcessor,
      shouldApply,
      hideFromDefaults: true,
    });
  }
}
