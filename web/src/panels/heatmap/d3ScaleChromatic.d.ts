// The package has no types; each interpolate… returns the color for 0…1.
declare module 'd3-scale-chromatic' {
  const schemes: Record<string, (t: number) => string>;
  export = schemes;
}
