import type {
  AxisConfig,
  GraphGradientMode,
  GraphThresholdsStyleConfig,
  HideableFieldConfig,
  OptionsWithLegend,
  OptionsWithTextFormatting,
  OptionsWithTooltip,
  StackingMode,
  VisibilityMode,
  VizOrientation,
} from '@grafana/schema';

/** The panel options, with Grafana's names. */
export interface Options extends OptionsWithLegend, OptionsWithTooltip, OptionsWithTextFormatting {
  orientation: VizOrientation;
  xField?: string;
  colorByField?: string;
  stacking: StackingMode;
  groupWidth: number;
  barWidth: number;
  barRadius?: number;
  showValue: VisibilityMode;
  fullHighlight: boolean;
  xTickLabelRotation: number;
  /** Maximum number of characters of a label; 0 or undefined: no limit. */
  xTickLabelMaxLength?: number;
  /** Minimum space between labels in pixels; a negative value keeps the labels at the end. */
  xTickLabelSpacing?: number;
}

export interface BarFieldConfig extends AxisConfig, HideableFieldConfig {
  lineWidth?: number;
  fillOpacity?: number;
  gradientMode?: GraphGradientMode;
  thresholdsStyle?: GraphThresholdsStyleConfig;
}
