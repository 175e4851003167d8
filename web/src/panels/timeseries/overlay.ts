import type { DataFrame, PanelData } from '@grafana/data';
import type { UPlotConfigBuilder } from '@grafana/ui';
import { useLayoutEffect, useMemo, useState } from 'react';
import type uPlot from 'uplot';

import { useLatest } from '../../runtime/hooks';

/** What data brings to be drawn over a plot. */
export function useOverlays({ annotations }: PanelData): { exemplars: DataFrame[]; annotations: DataFrame[] } {
  return useMemo(() => {
    const all = annotations ?? [];
    return { exemplars: all.filter((f) => f.name === 'exemplar'), annotations: all.filter((f) => f.name !== 'exemplar') };
  }, [annotations]);
}

/**
 * The plot of a builder, anew after each draw; what lies over a plot is placed with it. A plot takes its hooks when
 * it is made, so that what is drawn over it has to be mounted with it, also while there is nothing yet.
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
