import { rangeUtil, type TimeRange } from '@grafana/data';

/** Prometheus rejects queries with more points per series. */
const mostPoints = 11000;

/** Parses an interval such as "15s" or ">10s" into seconds; 0 if it is invalid. */
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

/** The step of a range query in seconds: not smaller than requested, and not more points than Prometheus returns. */
export function stepOf(range: TimeRange, intervalSeconds: number, minStep: number, factor: number): number {
  const duration = (range.to.valueOf() - range.from.valueOf()) / 1000;
  let least = Math.ceil(duration / mostPoints);
  if (least > 1) {
    least = Math.ceil(least);
  }
  return Math.max(intervalSeconds * Math.max(1, factor), minStep, least);
}

/** $__rate_interval in seconds: long enough for rate() to always see two samples. */
export function rateInterval(step: number, scrapeInterval: number): number {
  return Math.max(step + scrapeInterval, 4 * scrapeInterval);
}

/** "90s" → "1m30s", in Prometheus's duration syntax. */
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

/** Aligns start and end to multiples of the step, so that later queries use the same timestamps. */
export function align(start: number, end: number, step: number, utcOffsetSeconds: number): { start: number; end: number } {
  return {
    end: Math.floor((end + utcOffsetSeconds) / step) * step - utcOffsetSeconds,
    start: Math.floor((start + utcOffsetSeconds) / step) * step - utcOffsetSeconds,
  };
}
