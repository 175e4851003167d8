import { TooltipDisplayMode } from '@grafana/schema';

/** The values of TooltipHoverMode, which @grafana/ui declares as a const enum without a runtime value. */
export const hoverMode = { xOne: 0, xAll: 1, xyOne: 2 } as const;

export function hoverModeOf(mode: TooltipDisplayMode | undefined): number {
  return mode === TooltipDisplayMode.Single ? hoverMode.xOne : hoverMode.xAll;
}
