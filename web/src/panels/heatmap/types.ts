import type { Field } from '@grafana/data';

/** The vertical axis: an ordered list of named rows, or numbers. */
export type YScale =
  | { kind: 'rows'; names: string[]; bounds?: number[]; layout: 'le' | 'ge' | 'unknown' }
  | { kind: 'linear' }
  | { kind: 'log'; base: number }
  | { kind: 'symlog'; threshold: number };

/**
 * Cells column by column, from left to right, and from bottom to top within a column. Times are in milliseconds; y of a
 * row is its index.
 */
export interface Cells {
  xMin: number[];
  xMax: number[];
  yMin: number[];
  yMax: number[];
  count: number[];
  y: YScale;
  /** The field and row of a cell's count, for its data links; undefined if counts are calculated. */
  source?: (cell: number) => { field: Field; row: number };
  countField?: Field;
  /** Unit of the bucketed values. */
  yUnit?: string;
}
