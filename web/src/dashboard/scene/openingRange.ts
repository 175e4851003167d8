/** Ranges for a new installation, in minutes, whose history would be a thin line at the right edge of an hour. */
const short = [5, 15, 30];

/** The start with which a built-in dashboard opens: its own, or a later one if there is less history than that. */
export function openingFrom(from: string, oldestSample: number | undefined, now = Date.now()): string {
  const minutes = oldestSample === undefined ? 0 : (now - oldestSample) / 60_000;
  const enough = short.find((m) => m >= minutes);
  return from === 'now-1h' && enough !== undefined ? `now-${enough}m` : from;
}
