import {
  applyNullInsertThreshold,
  FieldType,
  getDisplayProcessor,
  isBooleanUnit,
  type DataFrame,
  type Field,
  type GrafanaTheme2,
  type TimeRange,
} from '@grafana/data';
import { LineInterpolation, type GraphFieldConfig } from '@grafana/schema';

import { mostSeries } from '../shared/mostSeries';
import { isHidden, mostInLegend, type LegendSeries } from './legend';

/** The frames that can be drawn over time, or the reason why there are none. */
export function graphable(
  series: DataFrame[],
  theme: GrafanaTheme2,
  range?: TimeRange
): { frames: DataFrame[]; legend?: LegendSeries[]; warning?: undefined } | { frames?: undefined; legend?: undefined; warning: string } {
  if (series.length === 0) {
    return { warning: 'No data' };
  }
  const frames: DataFrame[] = [];
  const legend: LegendSeries[] = [];
  // If there are more series than can be drawn, those hidden by the legend make way for others.
  const tooMany = series.reduce((sum, frame) => sum + frame.fields.filter(isSeries).length, 0) > mostSeries;
  let seriesIndex = 0;
  let room = mostSeries;
  for (const frame of series) {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    if (!time) {
      continue;
    }
    const drawn: Field[] = [];
    for (const field of frame.fields.filter(isSeries)) {
      const state = { ...field.state, seriesIndex: field.state?.seriesIndex ?? seriesIndex };
      seriesIndex++;
      const draw = room > 0 && !(tooMany && isHidden(field));
      if (draw) {
        room--;
        drawn.push({ ...drawable(field, theme), state });
      }
      legend.push({ frame, field: { ...field, state }, drawn: draw });
    }
    if (drawn.length > 0) {
      frames.push(withGaps(inOrder({ ...frame, fields: [{ ...time }, ...drawn] }), range));
    }
  }
  if (frames.length > 0 || legend.length > 0) {
    return { frames, legend: legend.length > mostInLegend ? legend : undefined };
  }
  const hasTime = series.some((f) => f.fields.some((field) => field.type === FieldType.time));
  return { warning: series.every((f) => f.length === 0) ? 'No data' : hasTime ? 'Data is missing a number field' : 'Data is missing a time field' };
}

const seriesTypes = new Set([FieldType.number, FieldType.boolean, FieldType.enum]);

function isSeries(field: Field): boolean {
  return seriesTypes.has(field.type);
}

function drawable(field: Field, theme: GrafanaTheme2): Field {
  switch (field.type) {
    case FieldType.number:
      return { ...field, values: field.values.map((v) => (typeof v === 'number' && Number.isFinite(v) ? v : null)) };
    case FieldType.boolean: {
      const custom: GraphFieldConfig = { ...field.config.custom };
      const config = {
        ...field.config,
        max: 1,
        min: 0,
        custom: { ...custom, lineInterpolation: custom.lineInterpolation ?? LineInterpolation.StepAfter },
        ...(!isBooleanUnit(field.config.unit) && { unit: 'bool' }),
      };
      const copy: Field = { ...field, type: FieldType.number, config, values: field.values.map((v) => (v === null || v === undefined ? v : v ? 1 : 0)) };
      return { ...copy, display: getDisplayProcessor({ field: copy, theme }) };
    }
    default:
      return field;
  }
}

/** uPlot requires ascending times. */
function inOrder(frame: DataFrame): DataFrame {
  const times = frame.fields[0]!.values as number[];
  let sorted = true;
  for (let i = 1; i < times.length && sorted; i++) {
    sorted = times[i]! >= times[i - 1]!;
  }
  if (sorted) {
    return frame;
  }
  const order = times.map((_, i) => i).sort((a, b) => times[a]! - times[b]!);
  return { ...frame, fields: frame.fields.map((f) => ({ ...f, values: order.map((i) => f.values[i]) })) };
}

/** Missing values according to a frame's interval become gaps; the library's graph does this for the first frame only. */
function withGaps(frame: DataFrame, range?: TimeRange): DataFrame {
  return applyNullInsertThreshold({ frame, refFieldPseudoMin: range?.from.valueOf(), refFieldPseudoMax: range?.to.valueOf() });
}
