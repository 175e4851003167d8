/** Geometry of a pie around (0, 0). Angles are in radians, clockwise from the top. */

export interface Slice {
  /** Index of its value. */
  index: number;
  start: number;
  end: number;
  /** Fraction of the whole, 0 … 1. */
  share: number;
}

/** Slices in the order of the values. Values that are not positive numbers get no space. */
export function slicesOf(values: number[]): Slice[] {
  const sizes = values.map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let start = 0;
  return sizes.flatMap((size, index) => {
    const share = total > 0 ? size / total : 0;
    const slice = { index, start, end: start + share * 2 * Math.PI, share };
    start = slice.end;
    return size > 0 ? [slice] : [];
  });
}

/** SVG path of a slice; `inner` is 0 for a pie and the radius of the hole for a donut. */
export function slicePath(slice: Slice, radius: number, inner: number): string {
  const whole = slice.end - slice.start > 2 * Math.PI - 1e-6;
  if (whole) {
    // An arc that ends where it starts is empty, so draw two halves, and the hole in the opposite direction.
    const ring = (r: number, sweep: number) => `M 0 ${-r} A ${r} ${r} 0 1 ${sweep} 0 ${r} A ${r} ${r} 0 1 ${sweep} 0 ${-r} Z`;
    return inner > 0 ? `${ring(radius, 1)} ${ring(inner, 0)}` : ring(radius, 1);
  }
  const large = slice.end - slice.start > Math.PI ? 1 : 0;
  const a = at(slice.start, radius);
  const b = at(slice.end, radius);
  const outside = `M ${a} A ${radius} ${radius} 0 ${large} 1 ${b}`;
  return inner > 0 ? `${outside} L ${at(slice.end, inner)} A ${inner} ${inner} 0 ${large} 0 ${at(slice.start, inner)} Z` : `${outside} L 0 0 Z`;
}

/** The position of a slice's label. */
export function labelPoint(slice: Slice, radius: number, inner: number): { x: number; y: number } {
  const middle = (slice.start + slice.end) / 2;
  const r = inner > 0 ? (radius + inner) / 2 : radius * 0.65;
  return { x: round(r * Math.sin(middle)), y: round(-r * Math.cos(middle)) };
}

/** Whether a text fits into a slice, based on the chord at its middle. */
export function labelFits(slice: Slice, radius: number, inner: number, width: number, height: number): boolean {
  const r = inner > 0 ? (radius + inner) / 2 : radius * 0.65;
  const angle = slice.end - slice.start;
  const chord = angle >= Math.PI ? 2 * r : 2 * r * Math.sin(angle / 2);
  const depth = radius - inner;
  const middle = (slice.start + slice.end) / 2;
  // A slice at the side is as wide as the ring, one at the top as wide as its chord.
  const horizontal = Math.abs(Math.sin(middle)) * depth + Math.abs(Math.cos(middle)) * chord;
  const vertical = Math.abs(Math.cos(middle)) * depth + Math.abs(Math.sin(middle)) * chord;
  return width <= horizontal && height <= vertical;
}

function at(angle: number, radius: number): string {
  return `${round(radius * Math.sin(angle))} ${round(-radius * Math.cos(angle))}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100 || 0;
}
