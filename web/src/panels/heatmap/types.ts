import type { Field } from '@grafana/data';

/** The vertical axis: rows in their order with names, or numbers. */
export type YScale =
  | { kind: 'rows'; names: string[]; bounds?: number[]; layout: 'le' | 'ge' | 'unknown' }
  | { kind: 'linear' }
  | { kind: 'log'; base: number }
  | { kind: 'symlog'; threshold: number };

/** Cells column after column: left to right, in a column from below. Times in milliseconds; rows' y are their number. */
export interface Cells {
  xMin: number[];
  xMax: number[];
  yMin: number[];
  yMax: number[];
  count: number[];
  y: YScale;
  /** The field and row that a cell's count is from, for its data links; undefined where counts are calculated. */
  source?: (cell: number) => { field: Field; row: number };
  countField?: Field;
  /** Unit of the values that were put into buckets. */
  yUnit?: string;
}
