import { FieldColorModeId, FieldType, formattedValueToString, getDisplayProcessor, ThresholdsMode, type FieldDisplay, type GrafanaTheme2 } from '@grafana/data';

import { thresholdPieces } from './geometry';

/** The color at a position on the dial, 0 … 1. */
export type ColorAt = (part: number) => string;

/** The range of the dial; the default is 0 … 100, as in Grafana. */
export function rangeOf(value: FieldDisplay): { min: number; max: number } {
  return { min: value.field.min ?? 0, max: value.field.max ?? 100 };
}

/** The thresholds of a value as segments of its dial, in the theme's colors. */
export function thresholdsOf(value: FieldDisplay, theme: GrafanaTheme2) {
  const { min, max } = rangeOf(value);
  const { steps = [], mode } = value.field.thresholds ?? {};
  return thresholdPieces(steps, min, max, mode === ThresholdsMode.Percentage).map((piece) => ({
    ...piece,
    color: theme.visualization.getColorByName(piece.color),
  }));
}

/** The color scheme of a value across its dial. */
export function colorsOf(value: FieldDisplay, theme: GrafanaTheme2): ColorAt {
  const mode = value.field.color?.mode ?? FieldColorModeId.Thresholds;
  const fallback = value.display.color ?? theme.colors.primary.main;
  if (mode === FieldColorModeId.Thresholds) {
    const pieces = thresholdsOf(value, theme);
    return (part) => pieces.findLast((piece) => part >= piece.from)?.color ?? fallback;
  }
  if (!mode.startsWith('continuous-')) {
    return () => fallback;
  }
  const { min, max } = rangeOf(value);
  const display = processor(value, theme);
  return (part) => display(min + (max - min) * part).color ?? fallback;
}

/** Formats numbers like the value's field, but without its mappings. */
export function formatterOf(value: FieldDisplay, theme: GrafanaTheme2): (number: number) => string {
  const display = processor(value, theme);
  return (number) => formattedValueToString(display(number));
}

function processor(value: FieldDisplay, theme: GrafanaTheme2) {
  const { min, max } = rangeOf(value);
  return getDisplayProcessor({ field: { type: FieldType.number, config: { ...value.field, min, max, mappings: [] } }, theme });
}
