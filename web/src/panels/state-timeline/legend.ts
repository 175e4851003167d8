import { FieldColorModeId, type Field, type GrafanaTheme2 } from '@grafana/data';
import type { VizLegendItem } from '@grafana/ui';

import type { Row } from './rows';
import { rangeKey, thresholdRanges } from './states';

/** The meaning of the colors: threshold ranges, and each state that appears. */
export function stateLegend(rows: Row[], theme: GrafanaTheme2): VizLegendItem[] {
  const items = new Map<string, string>();
  for (const { field, segments } of rows.filter((r) => !hidden(r.field))) {
    const mapped = field.config.mappings?.length;
    // If every value has its own name, ranges are pointless.
    const ranges = mapped && !segments.some((s) => String(s.key).startsWith(rangeKey)) ? undefined : thresholdRanges(field);
    ranges?.steps.forEach((step, i) => items.set(ranges.labels[i]!, theme.visualization.getColorByName(step.color)));
    // A continuous color scale has no names; only mapped values have.
    if (!ranges && isContinuous(field) && !mapped && field.type === 'number') {
      continue;
    }
    for (const { text, color } of segments) {
      if (color) {
        items.set(text, color);
      }
    }
  }
  return [...items].map(([label, color]) => ({ label, color, yAxis: 1 }));
}

function hidden(field: Field): boolean {
  return field.config.custom?.hideFrom?.legend === true;
}

function isContinuous(field: Field): boolean {
  return (field.config.color?.mode ?? FieldColorModeId.Fixed).startsWith('continuous');
}
