import { dateTimeForTimeZone, type TimeZone } from '@grafana/data';

/** A daily or weekly time region, as stored in dashboards. */
export interface TimeRegion {
  mode?: string;
  /** "HH:mm" */
  from?: string;
  to?: string;
  /** Monday is 1. */
  fromDayOfWeek?: number;
  toDayOfWeek?: number;
  timezone?: TimeZone;
}

interface Stretch {
  time: number;
  timeEnd: number;
}

/** More than this many regions would only be a colored area without information. */
const mostRegions = 1000;

/** The occurrences of a region that overlap a range in milliseconds; `timeZone` applies to regions without one. */
export function regionsWithin(region: TimeRegion, from: number, to: number, timeZone: TimeZone): Stretch[] {
  const { mode, fromDayOfWeek: firstDay, toDayOfWeek: lastDay = firstDay } = region;
  if (mode && mode !== 'simple') {
    throw new Error(`time regions of the mode ${mode} are not supported; from and to with days of the week are`);
  }
  const start = timeOfDay(region.from);
  // A region with only a start is an instant.
  const end = timeOfDay(region.to ?? (lastDay === undefined || lastDay === firstDay ? region.from : undefined));
  if (!start && !end && firstDay === undefined) {
    return [];
  }
  const days = firstDay === undefined || lastDay === undefined ? 0 : (lastDay - firstDay + 7) % 7;
  const zone = region.timezone || timeZone;
  const found: Stretch[] = [];
  // A region may have started up to a week before the range.
  const day = dateTimeForTimeZone(zone, from).startOf('day').subtract(8, 'd');
  for (; day.valueOf() <= to && found.length < mostRegions; day.add(1, 'd')) {
    if (firstDay !== undefined && day.isoWeekday?.() !== firstDay) {
      continue;
    }
    const at = (offset: number, time: [number, number] | undefined) => {
      const moment = dateTimeForTimeZone(zone, day.valueOf()).add(offset, 'd');
      if (!time) {
        return moment.endOf('day').valueOf();
      }
      moment.set('hour', time[0]);
      moment.set('minute', time[1]);
      return moment.valueOf();
    };
    const time = at(0, start ?? [0, 0]);
    let timeEnd = at(days, end);
    if (timeEnd < time) {
      // Across midnight, or across the end of the week.
      timeEnd = at(firstDay === undefined ? 1 : 7, end);
    }
    if (timeEnd >= from && time <= to) {
      found.push({ time, timeEnd });
    }
  }
  return found;
}

function timeOfDay(text: string | undefined): [number, number] | undefined {
  const match = /^(\d{1,2})(?::(\d{2}))?/.exec(text ?? '');
  if (!match) {
    return undefined;
  }
  const [hour, minute] = [Number(match[1]), Number(match[2] ?? 0)];
  return hour < 24 && minute < 60 ? [hour, minute] : undefined;
}
