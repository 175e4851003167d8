import type {
  AxisPlacement,
  HeatmapCalculationOptions,
  HeatmapCellLayout,
  HideableFieldConfig,
  LegendPlacement,
  ScaleDistributionConfig,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/schema';

/** How counts are mapped to colors. */
export interface ColorOptions {
  mode?: 'opacity' | 'scheme';
  scheme: string;
  fill: string;
  scale?: 'linear' | 'exponential';
  exponent: number;
  steps: number;
  reverse: boolean;
  min?: number;
  max?: number;
}

export interface YAxisOptions {
  axisPlacement?: AxisPlacement;
  axisLabel?: string;
  axisWidth?: number;
  axisGridShow?: boolean;
  axisBorderShow?: boolean;
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  reverse?: boolean;
}

/** The panel options, with Grafana's names. */
export interface Options {
  calculate?: boolean;
  calculation?: HeatmapCalculationOptions;
  color: ColorOptions;
  /** Cells with a count of at most `le` or at least `ge` are not drawn. */
  filterValues?: { le?: number; ge?: number };
  rowsFrame?: { layout?: `${HeatmapCellLayout}`; value?: string; yBucketScale?: ScaleDistributionConfig };
  showValue: `${VisibilityMode}`;
  cellGap?: number;
  cellRadius?: number;
  cellValues?: { unit?: string; decimals?: number };
  yAxis: YAxisOptions;
  legend: { show: boolean; placement?: LegendPlacement; width?: number | string };
  tooltip: { mode: `${TooltipDisplayMode}`; yHistogram?: boolean; showColorScale?: boolean; maxHeight?: number; maxWidth?: number };
  exemplars: { color: string };
  selectionMode?: 'x' | 'y' | 'xy';
}

export interface HeatmapFieldConfig extends HideableFieldConfig {
  scaleDistribution?: ScaleDistributionConfig;
}
