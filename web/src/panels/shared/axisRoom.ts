import { dateTimeFormat, systemDateFormats } from '@grafana/data';
import { measureText } from '@grafana/ui';
import type uPlot from 'uplot';

const [fontSize, day, usual] = [12, 86_400_000, 25];

/** The width of a text with the widest digits: what the room for it is must not change with the minute. */
const widest = (text: string) => Math.max(...[...'0123456789'].map((digit) => measureText(text.replace(/\d/g, digit), fontSize).width));

/** Room at the right of a plot for half of the last label of its time axis; from a day on it has date and time. */
const right: uPlot.PaddingSide = (u, _side, [, hasRightAxis]) => {
  const { min, max } = u.scales['x'] ?? {};
  if (hasRightAxis) {
    return 0;
  }
  const long = min != null && max != null && max - min > day;
  return long ? Math.max(usual, Math.ceil(widest(dateTimeFormat(max, { format: systemDateFormats.interval.hour })) / 2)) : usual;
};

/** Padding of a plot over time. */
export const timePadding: uPlot.Padding = [null, right, null, null];
