/** The start of each row; the last entry is the end of the list. */
export function offsetsOf(count: number, heightOf: (index: number) => number): number[] {
  const offsets = new Array<number>(count + 1);
  offsets[0] = 0;
  for (let i = 0; i < count; i++) {
    offsets[i + 1] = offsets[i]! + heightOf(i);
  }
  return offsets;
}

/** The rows from … to-1 that are visible, plus a few on both sides. */
export function visibleRange(offsets: number[], top: number, height: number, overscan: number): { from: number; to: number } {
  const from = Math.max(0, rowAt(offsets, top - overscan));
  const to = Math.min(offsets.length - 1, rowAt(offsets, top + height + overscan) + 1);
  return { from, to };
}

/** Finds the row at a position by binary search. */
function rowAt(offsets: number[], position: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle]! <= position) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
