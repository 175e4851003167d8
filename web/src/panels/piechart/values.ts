import { formattedValueToString, getValueFormat, type FieldDisplay } from '@grafana/data';
import { SortOrder } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';

/** A value of the pie. */
export interface Entry {
  display: FieldDisplay;
  name: string;
  value: number;
  color: string;
  /** Neither drawn nor counted in the total. */
  hidden: boolean;
  legend: boolean;
  tooltip: boolean;
}

/** The values that can be slices, sorted according to the options. */
export function entriesOf(displays: FieldDisplay[], sort: SortOrder | undefined): Entry[] {
  const entries = displays.map((display): Entry => {
    const hide = (display.field.custom?.hideFrom ?? {}) as { viz?: boolean; legend?: boolean; tooltip?: boolean };
    return {
      display,
      name: display.display.title ?? '',
      value: display.display.numeric,
      color: display.display.color ?? 'gray',
      hidden: hide.viz === true,
      legend: hide.legend !== true,
      tooltip: hide.tooltip !== true,
    };
  });
  if (sort === undefined || sort === SortOrder.None) {
    return entries;
  }
  const sign = sort === SortOrder.Ascending ? 1 : -1;
  const size = (entry: Entry) => (Number.isNaN(entry.value) ? -Infinity : entry.value);
  return entries.sort((a, b) => sign * (size(a) - size(b) || 0));
}

export function totalOf(entries: Entry[]): number {
  return entries.reduce((sum, entry) => (entry.hidden || !(entry.value > 0) || !Number.isFinite(entry.value) ? sum : sum + entry.value), 0);
}

const percent = getValueFormat('percent');

/** "42%"; empty if the total is zero. */
export function percentText(value: number, total: number, decimals?: number | null): string {
  return total > 0 && value > 0 ? formattedValueToString(percent((value / total) * 100, decimals ?? 0)) : '0%';
}

/** The lines of a slice's label. */
export function labelLines(entry: Entry, total: number, labels: Options['displayLabels']): string[] {
  const has = (label: string) => (labels as string[] | undefined)?.includes(label) === true;
  return [
    ...(has('name') ? [entry.name] : []),
    ...(has('value') ? [formattedValueToString(entry.display.display)] : []),
    ...(has('percent') ? [percentText(entry.value, total, entry.display.field.decimals)] : []),
  ];
}
