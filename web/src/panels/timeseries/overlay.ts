import type { UPlotConfigBuilder } from '@grafana/ui';
import { useLayoutEffect, useRef, useState } from 'react';
import type uPlot from 'uplot';

/** The plot of a builder, anew after each draw; what lies over a plot is placed with it. */
export function usePlot(config: UPlotConfigBuilder, draw?: (u: uPlot) => void): uPlot | undefined {
  const [drawn, setDrawn] = useState<{ u: uPlot; n: number }>();
  const latest = useRef(draw);
  latest.current = draw;
  useLayoutEffect(() => {
    let n = 0;
    let frame = 0;
    config.addHook('draw', (u: uPlot) => {
      latest.current?.(u);
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setDrawn({ u, n: ++n }));
    });
    config.addHook('destroy', () => cancelAnimationFrame(frame));
    return () => cancelAnimationFrame(frame);
  }, [config]);
  return drawn?.u;
}
