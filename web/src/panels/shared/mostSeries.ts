import { FieldType, type DataFrame } from '@grafana/data';

/** The maximum number of series drawn; more would be unreadable, and each movement of the pointer would take seconds. */
export const mostSeries = 300;

const drawEach = new Set(['timeseries', 'stat', 'gauge', 'bargauge']);

/** The message of a panel with more series than it draws. */
export function tooMany(panelType: string, frames: DataFrame[]): string | undefined {
  if (!drawEach.has(panelType)) {
    return undefined;
  }
  const series = frames.reduce(
    (sum, frame) => sum + frame.fields.filter((f) => f.type === FieldType.number || f.type === FieldType.boolean || f.type === FieldType.enum).length,
    0
  );
  const others = panelType === 'timeseries' ? ' The legend has all: a click there shows one.' : '';
  return series > mostSeries
    ? `At most ${mostSeries} of ${series} series are drawn.${others} Narrow the expression with labels, topk() or sum by (…).`
    : undefined;
}
