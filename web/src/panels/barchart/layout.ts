import { StackingMode } from '@grafana/schema';

import type { Options } from './options';

/** The space of a bar along the group axis, in the unit of `length`. */
export interface Lane {
  start: number;
  size: number;
}

/** The position of the bar of the nth of `count` drawn series within a group; stacked series share the same space. */
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
  // A group with one bar needs no extra gap: the bar is as wide as the group's share.
  const inner = room * share(options.groupWidth, 0.7);
  const slot = inner / (stacked ? 1 : Math.max(1, count));
  const size = Math.max(1, slot * share(options.barWidth, 0.97));
  return { start: group * room + (room - inner) / 2 + (stacked ? 0 : nth * slot) + (slot - size) / 2, size };
}

/**
 * The labels that fit: all, or every second, third, … one; with a negative spacing, the last label is kept instead of
 * the first.
 */
export function visibleLabels(count: number, room: number, widest: number, spacing: number): boolean[] {
  const gap = Math.max(6, Math.abs(spacing));
  const every = Math.max(1, Math.ceil((widest + gap) / Math.max(1, room)));
  const kept = spacing < 0 ? (count - 1) % every : 0;
  return Array.from({ length: count }, (_, i) => i % every === kept);
}

/** Truncates a label to a number of characters; 0 means no limit. */
export function cutLabel(label: string, letters: number | undefined): string {
  return letters && letters > 0 && label.length > letters ? `${label.slice(0, letters)}…` : label;
}

const [smallestText, largestText] = [8, 30];

/** Font size of the values: the configured one, otherwise as large as fits; undefined if the text would be unreadably small. */
export function valueSize(room: number, widthPerPixel: number, asked: number | undefined, always: boolean): number | undefined {
  if (asked) {
    return asked;
  }
  const fits = Math.min(largestText, (room * 0.95) / Math.max(0.01, widthPerPixel));
  return fits >= smallestText ? fits : always ? smallestText : undefined;
}
