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

/** Options of the panel, as Grafana names them. */
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
  /** Letters that are shown of a label; 0 or absent: all. */
  xTickLabelMaxLength?: number;
  /** Least room between labels in pixels; a negative one keeps the labels at the end. */
  xTickLabelSpacing?: number;
}

export interface BarFieldConfig extends AxisConfig, HideableFieldConfig {
  lineWidth?: number;
  fillOpacity?: number;
  gradientMode?: GraphGradientMode;
  thresholdsStyle?: GraphThresholdsStyleConfig;
}
