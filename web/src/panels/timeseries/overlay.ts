import type { DataFrame, PanelData } from '@grafana/data';
import type { UPlotConfigBuilder } from '@grafana/ui';
import { useLayoutEffect, useMemo, useState } from 'react';
import type uPlot from 'uplot';

import { useLatest } from '../../runtime/hooks';

/** The data to draw over a plot. */
export function useOverlays({ annotations }: PanelData): { exemplars: DataFrame[]; annotations: DataFrame[] } {
  return useMemo(() => {
    const all = annotations ?? [];
    return { exemplars: all.filter((f) => f.name === 'exemplar'), annotations: all.filter((f) => f.name !== 'exemplar') };
  }, [annotations]);
}

/**
 * The plot of a builder, updated after each draw so that overlays are positioned with it. A plot takes its hooks when
 * it is created, so overlays must be mounted together with it, even if they are still empty.
 */
export function usePlot(config: UPlotConfigBuilder, draw?: (u: uPlot) => void): uPlot | undefined {
  const [drawn, setDrawn] = useState<{ u: uPlot; n: number }>();
  const latest = useLatest(draw);
  useLayoutEffect(() => {
    let n = 0;
    let frame = 0;
    config.addHook('draw', (u: uPlot) => {
      latest()?.(u);
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setDrawn({ u, n: ++n }));
    });
    config.addHook('destroy', () => cancelAnimationFrame(frame));
    return () => cancelAnimationFrame(frame);
  }, [config, latest]);
  return drawn?.u;
}
