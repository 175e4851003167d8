import {
  buildHistogram,
  cacheFieldDisplayNames,
  FieldType,
  formattedValueToString,
  getDisplayProcessor,
  getHistogramFields,
  type DataFrame,
  type Field,
  type GrafanaTheme2,
} from '@grafana/data';
import { StackingMode, type StackableFieldConfig } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';

/** A histogram as it is drawn. */
export interface Model {
  /** Left edge of each bar on the x axis; bars are `size` wide. */
  x: number[];
  size: number;
  /** Texts of the edges of bar i: from and to. */
  from: string[];
  to: string[];
  /** Text for a position on the x axis where an edge can be. */
  edge: (place: number) => string;
  /** Buckets of different widths are drawn side by side, by index. */
  ordinal: boolean;
  series: Series[];
}

export interface Series {
  field: Field;
  name: string;
  counts: number[];
  /** Where the bar ends on the y axis: its count plus the bars below it if stacked. */
  tops: number[];
}

/** Buckets calculated from the values of all fields, or those that the data already has. Undefined if there are no numbers. */
export function buildModel(frames: DataFrame[], options: Options, theme: GrafanaTheme2): Model | undefined {
  // Below, fields are separated from their frames, which determine their names.
  cacheFieldDisplayNames(frames);
  const ready = frames.length === 1 && frames[0] !== undefined ? getHistogramFields(frames[0]) : undefined;
  const info = ready ?? calculated(frames, options, theme);
  if (info === undefined || info.xMin.values.length === 0) {
    return undefined;
  }
  const { xMin, xMax } = info;
  const show = edgeText(xMin, theme);
  const widths = xMin.values.map((from, i) => Number(xMax.values[i]) - Number(from));
  const size = widths[0]!;
  const ordinal = xMin.type === FieldType.string || !widths.every((width) => Math.abs(width - size) <= Math.abs(size) * 1e-6) || !(size > 0);
  const series = info.counts.map((field): Series => {
    const counts = field.values.map((value) => Number(value) || 0);
    return { field, name: field.state?.displayName ?? field.name, counts, tops: counts };
  });
  const from = xMin.values.map(show);
  const to = xMax.values.map(show);
  return {
    x: ordinal ? xMin.values.map((_, i) => i) : xMin.values.map(Number),
    size: ordinal ? 1 : size,
    from,
    to,
    edge: ordinal ? (place) => from[place] ?? to.at(-1)! : show,
    ordinal,
    series: stack(series),
  };
}

function calculated(frames: DataFrame[], options: Options, theme: GrafanaTheme2) {
  const values = new Set(
    frames.flatMap((frame) => frame.fields.filter((field) => field.type === FieldType.number).flatMap((field) => field.values.filter(Number.isFinite)))
  );
  if (values.size === 0) {
    return undefined;
  }
  // If all values are equal, there is no spread from which to derive a bucket size.
  const [only] = values;
  const single = values.size === 1 ? 10 ** Math.floor(Math.log10(Math.abs(Number(only)) || 1)) : undefined;
  return (
    buildHistogram(
      frames,
      {
        bucketSize: positive(options.bucketSize) ?? single,
        bucketCount: positive(options.bucketCount),
        bucketOffset: options.bucketOffset ?? 0,
        combine: options.combine,
      },
      theme
    ) ?? undefined
  );
}

function positive(value: number | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}

function edgeText(field: Field, theme: GrafanaTheme2): (value: unknown) => string {
  if (field.type === FieldType.string) {
    return String;
  }
  const display = getDisplayProcessor({ field: { ...field, config: { ...field.config, mappings: [] } }, theme });
  return (value) => formattedValueToString(display(value));
}

function stack(series: Series[]): Series[] {
  const mode = (one: Series) => (one.field.config.custom as StackableFieldConfig | undefined)?.stacking?.mode ?? StackingMode.None;
  const isHidden = (one: Series) => one.field.config.custom?.hideFrom?.viz === true;
  const stacked = series.filter((one) => mode(one) !== StackingMode.None && !isHidden(one));
  const totals = stacked[0]?.counts.map((_, i) => stacked.reduce((sum, one) => sum + one.counts[i]!, 0)) ?? [];
  const below = totals.map(() => 0);
  return series.map((one) => {
    if (!stacked.includes(one)) {
      return one;
    }
    const tops = one.counts.map((count, i) => {
      const share = mode(one) === StackingMode.Percent ? (totals[i]! > 0 ? count / totals[i]! : 0) : count;
      below[i] = below[i]! + share;
      return below[i]!;
    });
    return { ...one, tops };
  });
}

/** The bar at a position on the x axis; null between bars. */
export function barAt(model: Pick<Model, 'x' | 'size'>, place: number): number | null {
  const i = model.x.findLastIndex((x) => x <= place);
  return i >= 0 && place <= model.x[i]! + model.size ? i : null;
}

/** The distance between edge labels at which their texts do not overlap. */
export function labelStep(bars: number, width: number, textWidth: number): number {
  return Math.max(1, Math.ceil((bars * (textWidth + 12)) / Math.max(1, width)));
}
