import { colorManipulator, type GrafanaTheme2 } from '@grafana/data';
import * as chromatic from 'd3-scale-chromatic';

import type { ColorOptions } from './options';

/** The themes in which a scheme is reversed so that low counts are close to the background color. */
type Invert = 'always' | 'dark' | 'light';

const families: Array<[Invert, string[]]> = [
  ['always', ['Spectral', 'RdYlGn', 'RdYlBu', 'RdGy', 'RdBu', 'PuOr', 'PiYG', 'PRGn', 'BrBG', 'Rainbow', 'Sinebow']],
  [
    'dark',
    [
      'Blues',
      'Greens',
      'Greys',
      'Oranges',
      'Purples',
      'Reds',
      'BuGn',
      'BuPu',
      'GnBu',
      'OrRd',
      'PuBuGn',
      'PuBu',
      'PuRd',
      'RdPu',
      'YlGnBu',
      'YlGn',
      'YlOrBr',
      'YlOrRd',
    ],
  ],
  ['light', ['Turbo', 'Cividis', 'Viridis', 'Magma', 'Inferno', 'Plasma', 'Warm', 'Cool', 'Cubehelix']],
];

const inversion = new Map(families.flatMap(([invert, names]) => names.map((name) => [name, invert] as const)));

/** Names of all color schemes, as used in dashboards. */
export const schemeNames = [...inversion.keys()].sort();

// A namespace import of a module without types can otherwise not be indexed by a computed name.
const interpolators = chromatic as unknown as Record<string, ((t: number) => string) | undefined>;

/** The colors from lowest to highest, in `steps` steps. */
export function paletteOf(color: ColorOptions, theme: GrafanaTheme2): string[] {
  const steps = Math.min(128, Math.max(1, Math.round(color.steps || 64)));
  const at = (i: number) => (steps === 1 ? 1 : i / (steps - 1));
  if (color.mode === 'opacity') {
    const fill = theme.visualization.getColorByName(color.fill || 'dark-orange');
    const exponent = color.scale === 'linear' ? 1 : color.exponent || 0.5;
    const alphas = Array.from({ length: steps }, (_, i) => ((i + 1) / steps) ** exponent);
    return (color.reverse ? alphas.reverse() : alphas).map((a) => colorManipulator.alpha(fill, a));
  }
  const name = inversion.has(color.scheme) ? color.scheme : 'Oranges';
  const invert = inversion.get(name);
  let backwards = invert === 'always' || invert === (theme.isDark ? 'dark' : 'light');
  backwards = color.reverse ? !backwards : backwards;
  const interpolate = interpolators[`interpolate${name === 'Cubehelix' ? 'CubehelixDefault' : name}`]!;
  return Array.from({ length: steps }, (_, i) => interpolate(backwards ? 1 - at(i) : at(i)));
}

/** The color index of a count; counts outside the bounds get the first or the last color. */
export function colorIndex(count: number, min: number, max: number, colors: number): number {
  if (!(max > min)) {
    return colors - 1;
  }
  return Math.min(colors - 1, Math.max(0, Math.floor(((count - min) / (max - min)) * colors)));
}
