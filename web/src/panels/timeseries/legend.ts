import {
  fieldReducers,
  formattedValueToString,
  getDisplayProcessor,
  getFieldDisplayName,
  getFieldSeriesColor,
  ReducerID,
  reduceField,
  type DataFrame,
  type Field,
  type GrafanaTheme2,
} from '@grafana/data';
import type { GraphFieldConfig } from '@grafana/schema';

/** A legend with more series only renders the visible ones. */
export const mostInLegend = 100;

/** A series that can be shown in a legend. */
export interface LegendSeries {
  frame: DataFrame;
  field: Field;
  /** False for hidden series and for those beyond the maximum number of drawn series. */
  drawn: boolean;
}

export interface LegendRow {
  name: string;
  color?: string;
  hidden: boolean;
  drawn: boolean;
  field: Field;
}

export function isHidden(field: Field): boolean {
  return Boolean((field.config.custom as GraphFieldConfig | undefined)?.hideFrom?.viz);
}

/** The legend's data for each series. */
export function rowsOf(series: LegendSeries[], all: DataFrame[], theme: GrafanaTheme2): LegendRow[] {
  return series
    .filter(({ field }) => !(field.config.custom as GraphFieldConfig | undefined)?.hideFrom?.legend)
    .map(({ frame, field, drawn }) => ({
      name: getFieldDisplayName(field, frame, all),
      color: getFieldSeriesColor(field, theme).color,
      hidden: isHidden(field),
      drawn,
      field,
    }));
}

/** Estimates the width in pixels that a row needs so that nothing is cut off. */
export function widthOf(series: LegendSeries[], all: DataFrame[], calcs: number): number {
  const longest = series.reduce((most, { frame, field }) => Math.max(most, getFieldDisplayName(field, frame, all).length), 0);
  return 60 + longest * letter + calcs * 98;
}

const letter = 6.2;

/** The column title of a calculation. */
export function titleOf(calc: string): string {
  return fieldReducers.get(calc).name;
}

const counts = new Set<string>([ReducerID.count, ReducerID.changeCount, ReducerID.distinctCount]);

/** The result of a calculation for a series, with its unit. */
export function valueOf({ field }: LegendRow, calc: string, theme: GrafanaTheme2): string {
  const value: unknown = reduceField({ field, reducers: [calc] })[calc];
  const unit = calc === ReducerID.diffperc ? 'percent' : counts.has(calc) ? 'none' : undefined;
  const display =
    unit || !field.display ? getDisplayProcessor({ field: { ...field, config: { ...field.config, ...(unit && { unit }) } }, theme }) : field.display;
  return formattedValueToString(display(value));
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** The name column, as spelled in legend options. */
export const nameColumn = 'Name';

/** The rows sorted by a column: the names, or a calculation by title; missing values sort lowest. */
export function sorted(rows: LegendRow[], calcs: string[], column: string | undefined, descending: boolean): LegendRow[] {
  const direction = descending ? -1 : 1;
  if (column === nameColumn) {
    return rows.toSorted((a, b) => direction * byName.compare(a.name, b.name));
  }
  const calc = calcs.find((c) => titleOf(c) === column);
  if (!calc) {
    return rows;
  }
  const keys = new Map(
    rows.map((row) => {
      const value: unknown = reduceField({ field: row.field, reducers: [calc] })[calc];
      return [row, typeof value === 'number' && !Number.isNaN(value) ? value : -Infinity];
    })
  );
  return rows.toSorted((a, b) => {
    const [x, y] = [keys.get(a)!, keys.get(b)!];
    return x === y ? 0 : direction * (x < y ? -1 : 1);
  });
}
