import { GraphThresholdsStyleMode, ThresholdsMode, type Threshold, type ThresholdsConfig } from '@grafana/schema';

import { compact, num, obj, objs, str, text, type Json } from './json';
import { panelName, type Context } from './context';
import { own } from '../../boot/own';

interface OldThreshold {
  value: number;
  below: boolean;
  fill: boolean;
  line: boolean;
  color: string;
}

const modeColors: Record<string, string> = { critical: 'red', warning: 'orange', ok: 'green' };

/** Thresholds of a graph as steps, with their drawing style; undefined if it has none. */
export function graphThresholds(panel: Json): { thresholds: ThresholdsConfig; style: Json } | undefined {
  const list = oldThresholds(panel).sort((a, b) => a.value - b.value);
  if (list.length === 0) {
    return undefined;
  }
  const fill = list.some((threshold) => threshold.fill);
  const line = list.some((threshold) => threshold.line);
  const mode = fill && line ? GraphThresholdsStyleMode.LineAndArea : fill ? GraphThresholdsStyleMode.Area : GraphThresholdsStyleMode.Line;
  if (!fill && !line) {
    return undefined;
  }
  return { thresholds: { mode: ThresholdsMode.Absolute, steps: steps(list) }, style: { mode } };
}

/** "greater than" applies its color from its value upward, "less than" from the previous step up to its value. */
function steps(list: OldThreshold[]): Threshold[] {
  const result: Threshold[] = [{ color: 'transparent', value: null }];
  for (const threshold of list) {
    if (threshold.below) {
      result[result.length - 1].color = threshold.color;
      result.push({ color: 'transparent', value: threshold.value });
    } else {
      result.push({ color: threshold.color, value: threshold.value });
    }
  }
  return result;
}

function oldThresholds(panel: Json): OldThreshold[] {
  const result: OldThreshold[] = [];
  for (const source of objs(panel.thresholds)) {
    const value = num(source.value);
    if (value === undefined || (num(source.yaxis) ?? 1) === 2 || source.yaxis === 'right') {
      continue;
    }
    const mode = text(source.colorMode) ?? 'critical';
    const custom = source.fill === true ? source.fillColor : source.lineColor;
    const color = own(modeColors, mode) ?? text(custom) ?? text(source.lineColor) ?? 'red';
    result.push({ value, below: source.op === 'lt', fill: source.fill === true, line: source.line === true, color });
  }
  // Before version 13, the grid stored two thresholds.
  const grid = obj(panel.grid);
  for (const key of ['threshold1', 'threshold2']) {
    const value = num(grid[key]);
    if (value !== undefined) {
      const line = grid.thresholdLine === true;
      result.push({ value, below: false, fill: !line, line, color: str(grid[`${key}Color`]) ?? 'red' });
    }
  }
  return result;
}

/** Time regions of a graph become annotations of the dashboard that are only shown on that panel. */
export function timeRegions(panel: Json, context: Context): void {
  const name = panelName(panel);
  objs(panel.timeRegions).forEach((region, i) => {
    if (num(panel.id) === undefined || (region.fill === false && region.line === false)) {
      return;
    }
    context.annotations.push({
      name: `T${i + 1}: ${name}`,
      datasource: { type: 'grafana', uid: '-- Grafana --' },
      enable: true,
      hide: true,
      iconColor: modeColors[text(region.colorMode) ?? ''] ?? text(region.fillColor) ?? text(region.lineColor) ?? 'rgba(126, 126, 126, 0.3)',
      filter: { exclude: false, ids: [num(panel.id)] },
      target: {
        refId: 'Anno',
        queryType: 'timeRegions',
        timeRegion: compact({
          from: text(region.from),
          to: text(region.to),
          fromDayOfWeek: num(region.fromDayOfWeek),
          toDayOfWeek: num(region.toDayOfWeek),
          timezone: 'utc',
        }),
      },
    });
  });
}
