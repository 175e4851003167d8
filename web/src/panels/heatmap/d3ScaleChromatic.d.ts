// The package has no types of its own; each interpolate… is a colour for 0…1.
declare module 'd3-scale-chromatic' {
  const schemes: Record<string, (t: number) => string>;
  export = schemes;
}
