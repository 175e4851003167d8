import type { AnnotationEvent, AnnotationQuery } from '@grafana/data';

import { renderLegend, seriesText } from './legend';
import type { Labels, MatrixSeries } from './types';

/** The Prometheus-specific fields of a dashboard's annotation query. */
export interface PromAnnotation extends AnnotationQuery {
  expr?: string;
  step?: string;
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
  useValueForTime?: boolean;
}

/** Returns one region for each run of consecutive non-zero samples. */
export function regions(series: MatrixSeries[], annotation: PromAnnotation, step: number): AnnotationEvent[] {
  const tagKeys = (annotation.tagKeys ?? '')
    .split(',')
    .map((k) => k.trim())
    .filter(Boolean);
  return series.flatMap((s) =>
    stretches(s, annotation.useValueForTime ?? false, step).map(([time, timeEnd]) => ({
      time,
      timeEnd,
      isRegion: timeEnd > time,
      title: renderLegend(annotation.titleFormat || '', s.metric),
      text: renderLegend(annotation.textFormat || '', s.metric) || seriesText(s.metric),
      tags: tagsOf(s.metric, tagKeys),
    }))
  );
}

function tagsOf(labels: Labels, keys: string[]): string[] {
  return keys.map((key) => labels[key]).filter((v): v is string => v !== undefined);
}

function stretches(series: MatrixSeries, valueIsTime: boolean, step: number): Array<[number, number]> {
  const found: Array<[number, number]> = [];
  for (const [time, text] of series.values ?? []) {
    const value = Number(text);
    if (!(value !== 0) || Number.isNaN(value)) {
      continue;
    }
    const at = valueIsTime ? Math.floor(value) : time * 1000;
    const last = found[found.length - 1];
    if (valueIsTime) {
      if (last?.[0] !== at) {
        found.push([at, at]);
      }
    } else if (last && at - last[1] <= step * 1000 * 1.5) {
      last[1] = at;
    } else {
      found.push([at, at]);
    }
  }
  return found;
}
