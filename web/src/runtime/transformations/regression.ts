import { FieldType, getFieldDisplayName, type DataFrame, type Field } from '@grafana/data';

import { column, transformer } from './transformer';

interface Options {
  modelType?: 'linear' | 'polynomial';
  degree?: number;
  xFieldName?: string;
  yFieldName?: string;
  predictionCount?: number;
}

/** Fits a least-squares line or curve to one field and returns it as a separate frame. */
export const regression = transformer<Options>(
  'regression',
  'Regression analysis',
  (frames, { modelType = 'linear', degree = 2, xFieldName, yFieldName, predictionCount = 100 }) => {
    const frame = frames.find((f) => named(f, yFieldName));
    const y = frame && named(frame, yFieldName);
    const x = frame && named(frame, xFieldName);
    if (y && !x) {
      throw new Error('X and Y fields must be part of the same frame');
    }
    const points =
      x && y
        ? x.values
            .map((v, i) => [v as number, y.values[i] as number | null] as const)
            .filter((p): p is readonly [number, number] => p[1] !== null && p[1] !== undefined)
        : [];
    if (!x || !y || points.length === 0) {
      return frames;
    }
    let [low, high] = [Infinity, -Infinity];
    for (const v of x.values as number[]) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
    const origin = x.type === FieldType.time ? low : 0;
    const predict = fit(
      points.map(([at, v]) => [at - origin, v]),
      modelType === 'polynomial' ? degree : 1
    );
    const at = [...Array.from({ length: predictionCount - 1 }, (_, i) => low + (i * (high - low)) / predictionCount), high];
    return [
      ...frames,
      {
        name: `${modelType} regression`,
        length: at.length,
        fields: [
          column(x.name, x.type, at),
          column(
            `${y.name} predicted`,
            y.type,
            at.map((v) => predict(v - origin))
          ),
        ],
      },
    ];
  }
);

function named(frame: DataFrame, name: string | undefined): Field | undefined {
  return frame.fields.find((f) => f.name === name || getFieldDisplayName(f, frame) === name);
}

/** Fits a polynomial of the given degree. Times are scaled to about one so that their powers keep their precision. */
export function fit(points: Array<[number, number]>, degree: number): (x: number) => number {
  const scale = Math.max(...points.map(([x]) => Math.abs(x))) || 1;
  const n = Math.min(degree, points.length - 1) + 1;
  const rows = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => points.reduce((sum, [x]) => sum + (x / scale) ** (i + j), 0)),
    points.reduce((sum, [x, y]) => sum + y * (x / scale) ** i, 0),
  ]);
  const factors = solve(rows);
  return (x) => factors.reduce((sum, factor, i) => sum + factor * (x / scale) ** i, 0);
}

/** Solves linear equations with the right-hand side in the last column, by Gaussian elimination with partial pivoting. */
function solve(rows: number[][]): number[] {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    const pivot = rows.slice(i).reduce((best, row, k) => (Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? i + k : best), i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    const row = rows[i]!;
    if (row[i] === 0) {
      continue;
    }
    for (let k = 0; k < n; k++) {
      const share = k === i ? 0 : rows[k]![i]! / row[i]!;
      rows[k] = rows[k]!.map((v, j) => v - share * row[j]!);
    }
  }
  return rows.map((row, i) => (row[i] === 0 ? 0 : row[n]! / row[i]!));
}
