import { compact, num, text, type Json } from './json';

/** The field options from a y axis. "auto" and bounds that are not numbers count as unset. */
export function axisConfig(axis: Json): { standard: Json; custom: Json } {
  const logBase = num(axis.logBase) ?? 1;
  return {
    standard: compact({ unit: text(axis.format), min: num(axis.min), max: num(axis.max), decimals: num(axis.decimals) }),
    custom: compact({
      axisLabel: text(axis.label),
      axisPlacement: axis.show === false ? 'hidden' : undefined,
      scaleDistribution: logBase > 1 ? { type: 'log', log: logBase } : undefined,
    }),
  };
}

/** Dashes of the whole graph or of a single series. */
export function lineStyle(source: Json): Json | undefined {
  if (source.dashes !== true) {
    return undefined;
  }
  return { fill: 'dash', dash: [num(source.dashLength) ?? 10, num(source.spaceLength) ?? 10] };
}
