import { rangeUtil, type TimeRange } from '@grafana/data';

/** Prometheus refuses more points for one series. */
const mostPoints = 11000;

/** Seconds of an interval such as "15s" or ">10s"; 0 when it is not one. */
export function seconds(interval: string | undefined): number {
  const text = (interval ?? '').replace(/^>\s*/, '').trim();
  if (text === '' || text.includes('$')) {
    return 0;
  }
  if (/^\d+(\.\d+)?$/.test(text)) {
    return Number(text);
  }
  try {
    return rangeUtil.intervalToMs(text) / 1000;
  } catch {
    return 0;
  }
}

/** The step of a range query, in seconds: no smaller than asked for, and no more points than Prometheus answers. */
export function stepOf(range: TimeRange, intervalSeconds: number, minStep: number, factor: number): number {
  const duration = (range.to.valueOf() - range.from.valueOf()) / 1000;
  let least = Math.ceil(duration / mostPoints);
  if (least > 1) {
    least = Math.ceil(least);
  }
  return Math.max(intervalSeconds * Math.max(1, factor), minStep, least);
}

/** $__rate_interval in seconds: wide enough that rate() always sees two samples. */
export function rateInterval(step: number, scrapeInterval: number): number {
  return Math.max(step + scrapeInterval, 4 * scrapeInterval);
}

/** "90s" → "1m30s", as Prometheus reads durations. */
export function durationText(secs: number): string {
  if (secs < 1) {
    return `${Math.max(1, Math.round(secs * 1000))}ms`;
  }
  const whole = Math.round(secs);
  const parts: Array<[number, string]> = [
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  let rest = whole;
  let text = '';
  for (const [size, unit] of parts) {
    const n = Math.floor(rest / size);
    if (n > 0) {
      text += `${n}${unit}`;
      rest -= n * size;
    }
  }
  return text;
}

/** Start and end on multiples of the step, so that a later query asks for the same points. */
export function align(start: number, end: number, step: number, utcOffsetSeconds: number): { start: number; end: number } {
  return {
    end: Math.floor((end + utcOffsetSeconds) / step) * step - utcOffsetSeconds,
    start: Math.floor((start + utcOffsetSeconds) / step) * step - utcOffsetSeconds,
  };
}
