import { StackingMode } from '@grafana/schema';

import type { Options } from './options';

/** The room of a bar along the axis of groups, in the unit of `length`. */
export interface Lane {
  start: number;
  size: number;
}

/** Where the bar of the nth of `count` drawn series stands in a group; stacked series share their room. */
export function laneOf(
  group: number,
  groups: number,
  nth: number,
  count: number,
  length: number,
  options: Pick<Options, 'groupWidth' | 'barWidth' | 'stacking'>
): Lane {
  const room = length / Math.max(1, groups);
  const share = (width: number | undefined, otherwise: number) => Math.min(1, Math.max(0, width ?? otherwise));
  const stacked = (options.stacking ?? StackingMode.None) !== StackingMode.None;
  // A group of one needs no gap of its own: bars are as wide as the group's share.
  const inner = room * share(options.groupWidth, 0.7);
  const slot = inner / (stacked ? 1 : Math.max(1, count));
  const size = Math.max(1, slot * share(options.barWidth, 0.97));
  return { start: group * room + (room - inner) / 2 + (stacked ? 0 : nth * slot) + (slot - size) / 2, size };
}

/** The labels that have room: each, or every second, third, …; with a negative spacing the last stays, not the first. */
export function visibleLabels(count: number, room: number, widest: number, spacing: number): boolean[] {
  const gap = Math.max(6, Math.abs(spacing));
  const every = Math.max(1, Math.ceil((widest + gap) / Math.max(1, room)));
  const kept = spacing < 0 ? (count - 1) % every : 0;
  return Array.from({ length: count }, (_, i) => i % every === kept);
}

/** A label of at most so many letters; 0: as it is. */
export function cutLabel(label: string, letters: number | undefined): string {
  return letters && letters > 0 && label.length > letters ? `${label.slice(0, letters)}…` : label;
}

const [smallestText, largestText] = [8, 30];

/** Size of the values' text: what the panel says, else as large as fits; undefined when it would be too small to read. */
export function valueSize(room: number, widthPerPixel: number, asked: number | undefined, always: boolean): number | undefined {
  if (asked) {
    return asked;
  }
  const fits = Math.min(largestText, (room * 0.95) / Math.max(0.01, widthPerPixel));
  return fits >= smallestText ? fits : always ? smallestText : undefined;
}
