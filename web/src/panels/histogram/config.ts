import uPlot from 'uplot';
import { formattedValueToString, getFieldColorModeForField, getFieldSeriesColor, type GrafanaTheme2 } from '@grafana/data';
import {
  AxisPlacement,
  GraphDrawStyle,
  GraphGradientMode,
  ScaleDirection,
  ScaleDistribution,
  ScaleOrientation,
  StackingMode,
  VisibilityMode,
} from '@grafana/schema';
import type { FieldConfig } from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';
import { measureText, UPlotConfigBuilder, UPLOT_AXIS_FONT_SIZE } from '@grafana/ui';

import { barAt, labelStep, type Model } from './model';

/** Tick steps of the y axis: counts are integers. */
const wholeSteps = Array.from({ length: 45 }, (_, i) => [1, 2, 5][i % 3]! * 10 ** Math.floor(i / 3));

function round(value: number): number {
  return Number(value.toPrecision(12));
}

/** The plot of a histogram. `current` returns the model of the current data. */
export function buildConfig(model: Model, theme: GrafanaTheme2, current: () => Model): UPlotConfigBuilder {
  const builder = new UPlotConfigBuilder();
  builder.addScale({
    scaleKey: 'x',
    isTime: false,
    distribution: ScaleDistribution.Linear,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [current().x[0]!, current().x.at(-1)! + current().size],
  });
  const custom = (model.series[0]?.field.config.custom ?? {}) as FieldConfig;
  builder.addScale({
    scaleKey: 'y',
    isTime: false,
    distribution: custom.scaleDistribution?.type ?? ScaleDistribution.Linear,
    log: custom.scaleDistribution?.log,
    linearThreshold: custom.scaleDistribution?.linearThreshold,
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    softMin: custom.axisSoftMin ?? 0,
    softMax: custom.axisSoftMax,
  });
  addAxes(builder, model, theme, current, custom);
  // The size must be set explicitly: empty buckets are not in the data, so the distance between bars does not determine it.
  const bars = uPlot.paths.bars!({
    gap: 1,
    disp: { x0: { unit: 1, values: () => current().x }, size: { unit: 1, values: () => [current().size] } },
  });
  let below: number | undefined;
  for (const [i, series] of model.series.entries()) {
    const own = (series.field.config.custom ?? {}) as FieldConfig;
    builder.addSeries({
      scaleKey: 'y',
      drawStyle: GraphDrawStyle.Bars,
      pathBuilder: bars,
      showPoints: VisibilityMode.Never,
      lineColor: getFieldSeriesColor(series.field, theme).color,
      lineWidth: own.lineWidth ?? 1,
      fillOpacity: own.fillOpacity ?? 80,
      gradientMode: own.gradientMode ?? GraphGradientMode.None,
      colorMode: getFieldColorModeForField(series.field),
      show: own.hideFrom?.viz !== true,
      dataFrameFieldIndex: { frameIndex: 0, fieldIndex: i + 1 },
      theme,
    });
    if (isStacked(own)) {
      if (below !== undefined) {
        builder.addBand({ series: [i + 1, below], dir: 1 });
      }
      below = i + 1;
    }
  }
  builder.setCursor({
    points: { show: false },
    drag: { x: false, y: false },
    // A bar extends from its value to the next one, so in its right half, the nearest value would be the wrong one.
    dataIdx: (_plot: uPlot, _series: number, _closest: number, place: number) => barAt(current(), place) as number,
  });
  return builder;
}

function isStacked(config: FieldConfig): boolean {
  return config.hideFrom?.viz !== true && (config.stacking?.mode ?? StackingMode.None) !== StackingMode.None;
}

function addAxes(builder: UPlotConfigBuilder, model: Model, theme: GrafanaTheme2, current: () => Model, custom: FieldConfig) {
  builder.addAxis({
    scaleKey: 'x',
    placement: AxisPlacement.Bottom,
    theme,
    grid: { show: false },
    splits: (plot) => {
      const { x, size, from } = current();
      const widest = Math.max(...from.map((text) => measureText(text, UPLOT_AXIS_FONT_SIZE).width));
      // Empty buckets are not in the data, but they take up space.
      const count = Math.round((x.at(-1)! - x[0]!) / size) + 1;
      const step = labelStep(count, plot.bbox.width / uPlot.pxRatio, widest);
      return Array.from({ length: Math.floor(count / step) + 1 }, (_, i) => round(x[0]! + i * step * size));
    },
    values: (_plot, splits) => splits.map(current().edge),
  });
  const [first] = model.series;
  const percent = (first?.field.config.custom as FieldConfig | undefined)?.stacking?.mode === StackingMode.Percent;
  if (custom.axisPlacement !== AxisPlacement.Hidden) {
    builder.addAxis({
      scaleKey: 'y',
      theme,
      label: custom.axisLabel || undefined,
      placement: custom.axisPlacement === AxisPlacement.Right ? AxisPlacement.Right : AxisPlacement.Left,
      size: custom.axisWidth,
      grid: { show: custom.axisGridShow !== false },
      incrs: percent ? undefined : wholeSteps,
      formatValue: (value: number) =>
        percent ? `${Math.round(value * 100)}%` : first?.field.display ? formattedValueToString(first.field.display(value)) : String(value),
    });
  }
}
