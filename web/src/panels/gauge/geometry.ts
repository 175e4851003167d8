/** Geometry of a gauge. Angles are in degrees, clockwise from the top. */

export type Shape = 'gauge' | 'circle';

export interface Dial {
  shape: Shape;
  start: number;
  sweep: number;
  /** Center of the dial. */
  cx: number;
  cy: number;
  /** Center line of the bar. */
  radius: number;
  barWidth: number;
  /** Center line of the threshold ring; 0 if there is none. */
  ringRadius: number;
  ringWidth: number;
  /** Radius at which labels are anchored; 0 if there are none. */
  labelRadius: number;
  fontSize: number;
  /** Space for the name below the dial. */
  nameHeight: number;
}

interface DialOptions {
  width: number;
  height: number;
  shape: Shape;
  /** Width of the bar as a fraction of the radius, 0.1 … 1. */
  barWidthFactor: number;
  ring: boolean;
  labels: boolean;
  name: boolean;
}

const openSweep = 220;

/** The largest dial that fits. */
export function layoutDial(options: DialOptions): Dial {
  const { width, height, shape } = options;
  const sweep = shape === 'circle' ? 360 : openSweep;
  const start = shape === 'circle' ? 0 : -openSweep / 2;
  const fontSize = Math.min(14, Math.max(9, Math.min(width, height) / 14));
  const nameHeight = options.name ? Math.min(height * 0.2, Math.max(12, height * 0.13)) : 0;
  const room = { width: Math.max(1, width), height: Math.max(1, height - nameHeight) };
  // Below its center, an open dial only needs cos(110°) of its radius.
  const below = shape === 'circle' ? 1 : -Math.cos(rad(openSweep / 2));
  const margin = options.labels ? fontSize * 1.6 : 1;
  const outer = Math.max(4, Math.min(room.width / 2 - margin * (options.labels ? 1.4 : 1), (room.height - margin * 2) / (1 + below)));
  const barWidth = Math.max(2, Math.min(outer * 0.9, outer * 0.5 * clamp(options.barWidthFactor, 0.1, 1)));
  const ringWidth = options.ring ? Math.max(2, Math.min(8, outer * 0.04)) : 0;
  const ringGap = options.ring ? Math.max(1, outer * 0.015) : 0;
  return {
    shape,
    start,
    sweep,
    barWidth,
    ringWidth,
    fontSize,
    nameHeight,
    cx: width / 2,
    cy: margin + outer + Math.max(0, (room.height - margin * 2 - outer * (1 + below)) / 2),
    radius: Math.max(1, outer - ringWidth - ringGap - barWidth / 2),
    ringRadius: options.ring ? outer - ringWidth / 2 : 0,
    labelRadius: options.labels ? outer + fontSize * 0.6 : 0,
  };
}

/** The relative position of a value between min and max: 0 … 1. Always 0 if the range is empty. */
export function share(value: number, min: number, max: number): number {
  if (!(max > min) || Number.isNaN(value)) {
    return 0;
  }
  return clamp((value - min) / (max - min), 0, 1);
}

export function angleAt(dial: Dial, part: number): number {
  return dial.start + dial.sweep * part;
}

/** The point at an angle on a circle around the center of the dial. */
export function pointAt(dial: Dial, radius: number, angle: number): { x: number; y: number } {
  return { x: round(dial.cx + radius * Math.sin(rad(angle))), y: round(dial.cy - radius * Math.cos(rad(angle))) };
}

/** SVG path of an arc; a full circle consists of two halves, because an arc that ends where it starts is empty. */
export function arcPath(dial: Dial, radius: number, from: number, to: number): string {
  if (to - from >= 360) {
    const middle = from + 180;
    return `${arcPath(dial, radius, from, middle)} ${arcPath(dial, radius, middle, from + 359.99)}`;
  }
  const a = pointAt(dial, radius, from);
  const b = pointAt(dial, radius, to);
  return `M ${a.x} ${a.y} A ${round(radius)} ${round(radius)} 0 ${to - from > 180 ? 1 : 0} 1 ${b.x} ${b.y}`;
}

export interface Segment {
  /** Relative positions on the dial, 0 … 1. */
  from: number;
  to: number;
}

/** Divides the dial into equal segments; spacing 0 … 1 is the empty fraction of each segment. */
export function segments(count: number, spacing: number, closed: boolean): Segment[] {
  const n = Math.max(1, Math.min(100, Math.floor(count) || 1));
  const gap = n === 1 ? 0 : clamp(spacing, 0, 0.9) / n / 2;
  const gaps = closed ? n : n - 1;
  const size = (1 - gap * gaps) / n;
  return Array.from({ length: n }, (_, i) => ({ from: i * (size + gap), to: i * (size + gap) + size }));
}

/** The part of a segment that is lit by a bar from one position to the other. */
export function lit(segment: Segment, from: number, to: number): Segment | undefined {
  const piece = { from: Math.max(segment.from, Math.min(from, to)), to: Math.min(segment.to, Math.max(from, to)) };
  return piece.to > piece.from ? piece : undefined;
}

export interface Step {
  value: number | null;
  color: string;
}

/** Thresholds as segments of the dial, excluding those outside of it. In percentage mode, steps are percentages of the range. */
export function thresholdPieces(steps: Step[], min: number, max: number, percentage: boolean): Array<Segment & { color: string; value?: number }> {
  const at = (step: Step) => (step.value === null || step.value === -Infinity ? -Infinity : percentage ? min + ((max - min) * step.value) / 100 : step.value);
  return steps.flatMap((step, i) => {
    const value = at(step);
    const next = i + 1 < steps.length ? at(steps[i + 1]!) : Infinity;
    const piece = { from: share(value, min, max), to: share(next, min, max), color: step.color };
    if (piece.to <= piece.from) {
      return [];
    }
    return [value > min ? { ...piece, value } : piece];
  });
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Number.isNaN(value) ? low : value));
}

function rad(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
