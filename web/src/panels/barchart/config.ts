import { formattedValueToString, getDisplayProcessor, getFieldSeriesColor, type Field } from '@grafana/data';
import { AxisColorMode, AxisPlacement, ScaleDirection, ScaleDistribution, ScaleOrientation, StackingMode, VisibilityMode } from '@grafana/schema';
import { measureText, UPlotConfigBuilder } from '@grafana/ui';
import type uPlot from 'uplot';

import { shorten } from '../shared/shorten';
import { boxOf, drawBars, drawThresholds, type Scene } from './draw';
import { cutLabel, visibleLabels } from './layout';
import type { BarFieldConfig } from './options';

const fontSize = 12;
const widthOf = (text: string) => measureText(text, fontSize).width;

/** Fields with the same key share an axis. */
export function scaleKeyOf({ config }: Field): string {
  const custom: BarFieldConfig = config.custom ?? {};
  const { axisPlacement, axisLabel, axisSoftMin, axisSoftMax, axisCenteredZero, scaleDistribution } = custom;
  return JSON.stringify([
    config.unit ?? '',
    config.min,
    config.max,
    axisPlacement,
    axisLabel,
    axisSoftMin,
    axisSoftMax,
    axisCenteredZero,
    scaleDistribution?.type,
    scaleDistribution?.log,
  ]);
}

/** A bar plot; `scene` returns what to draw, so that new data does not require a new plot. */
export function buildConfig(scene: () => Scene, allAtOnce: boolean): UPlotConfigBuilder {
  const builder = new UPlotConfigBuilder();
  const { bars, theme, horizontal, scaleKeys } = scene();
  builder.addScale({
    scaleKey: 'x',
    orientation: horizontal ? ScaleOrientation.Vertical : ScaleOrientation.Horizontal,
    direction: horizontal ? ScaleDirection.Down : ScaleDirection.Right,
    range: () => [-0.5, Math.max(1, scene().bars.labels.length) - 0.5],
  });
  addLabels(builder, scene);
  bars.series.forEach((series, i) => {
    addValues(builder, series.field, scaleKeys[i]!, scene());
    builder.addSeries({
      scaleKey: scaleKeys[i]!,
      theme,
      pathBuilder: () => null,
      pointsBuilder: () => false,
      show: !series.hidden,
      lineColor: getFieldSeriesColor(series.field, theme).color,
      dataFrameFieldIndex: series.origin,
    });
  });
  builder.addHook('drawClear', (u) => {
    const seen = new Set<string>();
    scene().bars.series.forEach(({ field }, i) => {
      const key = scene().scaleKeys[i]!;
      if (!seen.has(key)) {
        seen.add(key);
        drawThresholds(u, field, key, horizontal, theme);
      }
    });
  });
  builder.addHook('draw', (u) => drawBars(u, scene()));
  setCursor(builder, scene, allAtOnce);
  return builder;
}

function addLabels(builder: UPlotConfigBuilder, scene: () => Scene) {
  const { bars, options, theme, horizontal } = scene();
  const custom: BarFieldConfig = bars.xField.config.custom ?? {};
  const rotation = horizontal ? 0 : (options.xTickLabelRotation ?? 0);
  const angle = (Math.abs(rotation) * Math.PI) / 180;
  const texts = () => scene().bars.ticks.map((l) => cutLabel(l, options.xTickLabelMaxLength));
  const widest = texts().reduce((max, t) => Math.max(max, widthOf(t)), 0);
  const slanted = angle > 0;
  const overhang = slanted ? Math.min(100, widest * Math.cos(angle)) : undefined;
  // Values are drawn past the ends of bars, and the last number of a bottom axis is wider than its tick.
  const values = options.showValue !== VisibilityMode.Never && options.stacking === StackingMode.None;
  const padding = horizontal
    ? [undefined, values ? 48 : 24, undefined, undefined]
    : [values ? 22 : undefined, rotation > 0 ? overhang : undefined, undefined, rotation < 0 ? overhang : undefined];
  builder.setPadding(padding as unknown as uPlot.Padding);
  builder.addAxis({
    scaleKey: 'x',
    theme,
    label: custom.axisLabel,
    grid: { show: false },
    ticks: { show: false },
    gap: slanted ? 8 : 5,
    placement: custom.axisPlacement === AxisPlacement.Hidden ? AxisPlacement.Hidden : horizontal ? AxisPlacement.Left : AxisPlacement.Bottom,
    size: custom.axisWidth ?? (slanted ? Math.min(160, widest * Math.sin(angle) + fontSize + 16) : undefined),
    // uPlot rotates in the opposite direction.
    tickLabelRotation: -rotation,
    splits: () => scene().bars.labels.map((_, i) => i),
    values: (u) => {
      const all = texts();
      const length = (horizontal ? u.bbox.height : u.bbox.width) / devicePixelRatio || (horizontal ? u.height : u.width);
      // The extent of a label along the axis: the line height of slanted or upright text, the width of horizontal text.
      const across = horizontal || slanted ? fontSize : all.reduce((max, t) => Math.max(max, widthOf(t)), 0);
      const room = length / Math.max(1, all.length);
      // A single overlong label is truncated before its neighbors are hidden.
      const shown = visibleLabels(all.length, room, horizontal || slanted ? across : Math.min(across, 150), options.xTickLabelSpacing ?? 0);
      const limit = horizontal ? u.width * 0.4 : slanted ? 200 : Math.max(room, 150);
      return all.map((text, i) => (shown[i] ? shorten(text, limit, widthOf) : ''));
    },
  });
}

function addValues(builder: UPlotConfigBuilder, field: Field, key: string, scene: Scene) {
  const { options, theme, horizontal } = scene;
  const signs = signsOf(scene, key);
  const custom: BarFieldConfig = field.config.custom ?? {};
  const percent = options.stacking === StackingMode.Percent;
  builder.addScale({
    scaleKey: key,
    orientation: horizontal ? ScaleOrientation.Horizontal : ScaleOrientation.Vertical,
    direction: horizontal ? ScaleDirection.Right : ScaleDirection.Up,
    distribution: custom.scaleDistribution?.type,
    log: custom.scaleDistribution?.log,
    linearThreshold: custom.scaleDistribution?.linearThreshold,
    min: field.config.min,
    max: field.config.max,
    softMin: custom.axisSoftMin ?? (signs.negative ? undefined : softZero(custom)),
    softMax: custom.axisSoftMax ?? (signs.positive ? undefined : softZero(custom)),
    centeredZero: custom.axisCenteredZero,
    decimals: field.config.decimals,
    range: percent ? (_u, low, high) => [(low ?? 0) < 0 ? -1 : 0, (high ?? 0) > 0 || !((low ?? 0) < 0) ? 1 : 0] : undefined,
  });
  const display = percent ? getDisplayProcessor({ field: { config: { unit: 'percentunit' } }, theme }) : field.display;
  const color = custom.axisColorMode === AxisColorMode.Series ? getFieldSeriesColor(field, theme).color : theme.colors.text.primary;
  builder.addAxis({
    scaleKey: key,
    theme,
    label: custom.axisLabel,
    size: custom.axisWidth,
    color,
    decimals: field.config.decimals,
    distr: custom.scaleDistribution?.type,
    placement: valuePlacement(custom.axisPlacement, horizontal),
    grid: { show: custom.axisGridShow },
    border: { show: custom.axisBorderShow ?? false, stroke: color },
    ticks: { show: custom.axisBorderShow ?? false, stroke: color },
    formatValue: (v: number, decimals) => (display ? formattedValueToString(display(v, decimals)) : String(v)),
  });
}

/** On which sides of zero the axis has bars. */
export function signsOf({ bars, scaleKeys }: Pick<Scene, 'bars' | 'scaleKeys'>, key: string): { negative: boolean; positive: boolean } {
  const ends = bars.series.filter((s, i) => scaleKeys[i] === key && !s.hidden).flatMap((s) => s.to);
  return { negative: ends.some((v) => v !== null && v < 0), positive: ends.some((v) => v !== null && v > 0) };
}

/** Bars start at zero, which does not exist on a logarithmic axis. */
function softZero(custom: BarFieldConfig): number | undefined {
  return custom.scaleDistribution?.type === ScaleDistribution.Log ? undefined : 0;
}

/** The placement of the value axis: left and right for vertical bars become bottom and top for horizontal ones. */
export function valuePlacement(asked: AxisPlacement | undefined, horizontal: boolean): AxisPlacement {
  if (!horizontal) {
    return asked === AxisPlacement.Bottom || asked === AxisPlacement.Top ? AxisPlacement.Auto : (asked ?? AxisPlacement.Auto);
  }
  switch (asked) {
    case AxisPlacement.Hidden:
      return AxisPlacement.Hidden;
    case AxisPlacement.Right:
    case AxisPlacement.Top:
      return AxisPlacement.Top;
    default:
      return AxisPlacement.Bottom;
  }
}

function setCursor(builder: UPlotConfigBuilder, scene: () => Scene, allAtOnce: boolean) {
  const under = (u: uPlot, series: number, group: number) => {
    const { left = -1, top = -1 } = u.cursor;
    const box = boxOf(u, scene(), series - 1, group, false, scene().options.fullHighlight || allAtOnce);
    return box !== undefined && left >= box.left && left <= box.left + box.width && top >= box.top && top <= box.top + box.height;
  };
  const none = { left: -10, top: -10, width: 0, height: 0 };
  builder.setCursor({
    x: false,
    y: false,
    drag: { x: false, y: false },
    dataIdx: (u, series, group) => (series === 0 || allAtOnce || under(u, series, group) ? group : null),
    focus: { prox: 1e3, dist: (u, series, group) => (group !== null && under(u, series, group) ? 0 : Infinity) },
    points: {
      fill: 'rgba(255,255,255,0.25)',
      stroke: 'transparent',
      width: 0,
      size: 0,
      bbox: (u: uPlot, series: number) => {
        const group = u.cursor.idxs?.[series];
        return group == null || !under(u, series, group) ? none : (boxOf(u, scene(), series - 1, group, false, scene().options.fullHighlight) ?? none);
      },
    },
  } as uPlot.Cursor);
}
