import { dateTimeForTimeZone, type TimeZone } from '@grafana/data';

/** A stretch of time that comes back each day or week, as dashboards hold it. */
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

/** More than this many are a colour and no information. */
const mostRegions = 1000;

/** The stretches of a region that reach into a range of milliseconds; `timeZone` is for regions without one. */
export function regionsWithin(region: TimeRegion, from: number, to: number, timeZone: TimeZone): Stretch[] {
  const { mode, fromDayOfWeek: firstDay, toDayOfWeek: lastDay = firstDay } = region;
  if (mode && mode !== 'simple') {
    throw new Error(`time regions of the mode ${mode} are not supported; from and to with days of the week are`);
  }
  const start = timeOfDay(region.from);
  // A region with a beginning only is a moment.
  const end = timeOfDay(region.to ?? (lastDay === undefined || lastDay === firstDay ? region.from : undefined));
  if (!start && !end && firstDay === undefined) {
    return [];
  }
  const days = firstDay === undefined || lastDay === undefined ? 0 : (lastDay - firstDay + 7) % 7;
  const zone = region.timezone || timeZone;
  const found: Stretch[] = [];
  // A region may have begun up to a week before the range.
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
      // Through midnight, or through the whole week.
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
