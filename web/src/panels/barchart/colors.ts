import { colorManipulator, FALLBACK_COLOR, getFieldColorModeForField, getFieldSeriesColor, type GrafanaTheme2 } from '@grafana/data';
import { GraphGradientMode } from '@grafana/schema';

import type { BarFieldConfig } from './options';
import type { Bars, BarSeries } from './series';

/** The color of a bar: that of its group, its value or its series. */
export function barColor(bars: Bars, series: BarSeries, group: number, theme: GrafanaTheme2): string {
  const own = bars.colors?.[group];
  if (own) {
    return own;
  }
  const { field } = series;
  const byValue = getFieldColorModeForField(field).isByValue || field.config.mappings?.length;
  const shown = byValue ? field.display?.(series.values[group]).color : undefined;
  return shown ?? getFieldSeriesColor(field, theme).color ?? FALLBACK_COLOR;
}

/** The fill of a bar. `base` and `tip` are the canvas coordinates of its ends, `scaleEnds` those of the value axis. */
export function barFill(
  ctx: CanvasRenderingContext2D,
  series: BarSeries,
  color: string,
  theme: GrafanaTheme2,
  ends: { base: [number, number]; tip: [number, number]; scaleEnds: [[number, number], [number, number]] }
): string | CanvasGradient {
  const { fillOpacity = 80, gradientMode = GraphGradientMode.None } = (series.field.config.custom ?? {}) as BarFieldConfig;
  const alpha = (c: string, share = 1) => colorManipulator.alpha(c, (fillOpacity / 100) * share);
  const gradient = (from: [number, number], to: [number, number], stops: string[]) => {
    const result = ctx.createLinearGradient(...from, ...to);
    stops.forEach((stop, i) => result.addColorStop(i / Math.max(1, stops.length - 1), stop));
    return result;
  };
  switch (gradientMode) {
    case GraphGradientMode.Opacity:
      return gradient(ends.base, ends.tip, [alpha(color, 0), alpha(color)]);
    case GraphGradientMode.Hue:
      return gradient(ends.base, ends.tip, [alpha(colorManipulator.darken(color, 0.3)), alpha(colorManipulator.lighten(color, 0.2))]);
    case GraphGradientMode.Scheme: {
      const colors = getFieldColorModeForField(series.field).getColors?.(theme);
      return colors && colors.length > 1
        ? gradient(
            ends.scaleEnds[0],
            ends.scaleEnds[1],
            colors.map((c) => alpha(theme.visualization.getColorByName(c)))
          )
        : alpha(color);
    }
    default:
      return alpha(color);
  }
}
