/** A random walk that is the same for the same seed and hour, so that a refresh does not change the picture. */
export function randomWalk(from: number, to: number, interval: number, seed: string): { times: number[]; values: number[] } {
  const step = Math.max(interval, (to - from) / 10000, 1);
  let state = [...seed].reduce((n, c) => (n * 31 + c.charCodeAt(0)) >>> 0, 2166136261);
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const times: number[] = [];
  const values: number[] = [];
  let value = next() * 100;
  for (let time = Math.floor(from / step) * step; time <= to; time += step) {
    times.push(Math.round(time));
    values.push(value);
    value += next() - 0.5;
  }
  return { times, values };
}
