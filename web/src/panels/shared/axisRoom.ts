import { dateTimeFormat, systemDateFormats } from '@grafana/data';
import { measureText } from '@grafana/ui';
import type uPlot from 'uplot';

const [fontSize, day, usual] = [12, 86_400_000, 25];

/** The width of a text with the widest digits, so that the reserved space does not change every minute. */
const widest = (text: string) => Math.max(...[...'0123456789'].map((digit) => measureText(text.replace(/\d/g, digit), fontSize).width));

/** Space on the right of a plot for half of the last time label, which has date and time for ranges longer than a day. */
const right: uPlot.PaddingSide = (u, _side, [, hasRightAxis]) => {
  const { min, max } = u.scales['x'] ?? {};
  if (hasRightAxis) {
    return 0;
  }
  const long = min != null && max != null && max - min > day;
  return long ? Math.max(usual, Math.ceil(widest(dateTimeFormat(max, { format: systemDateFormats.interval.hour })) / 2)) : usual;
};

/** Padding of a time plot. */
export const timePadding: uPlot.Padding = [null, right, null, null];
