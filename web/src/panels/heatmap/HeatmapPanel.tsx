import { DashboardCursorSync, type PanelProps } from '@grafana/data';
import { config as grafana } from '@grafana/runtime';
import { EventBusPlugin, TooltipPlugin2, UPlotChart, usePanelContext, VizLayout } from '@grafana/ui';
import { useMemo, useState } from 'react';
import type uPlot from 'uplot';

import { useLatest, useMade } from '../../runtime/hooks';
import { NoData } from '../shared/NoData';
import { squareMarks } from '../shared/square';
import { hoverMode } from '../shared/tooltipMode';
import { Annotations } from '../timeseries/Annotations';
import { Exemplars } from '../timeseries/Exemplars';
import { useOverlays } from '../timeseries/overlay';
import { cellsOf } from './cells';
import { ColorScale } from './ColorScale';
import { buildConfig, type Live } from './config';
import type { Options } from './options';
import { CellTooltip } from './Tooltip';
import { viewOf, yOfValue, type View } from './view';

/** How often values fell into buckets over time. */
export function HeatmapPanel(props: PanelProps<Options>) {
  const { data, options, fieldConfig, timeRange, width, height } = props;
  const theme = grafana.theme2;
  const { view, warning } = useMemo(() => {
    const found = cellsOf(data.series, options, timeRange);
    return found.cells && found.cells.count.length > 0 ? { view: viewOf(found.cells, options, theme) } : { warning: found.warning };
  }, [data.series, options, timeRange, theme]);
  const [hovered, setHovered] = useState(-1);
  if (!view) {
    return <NoData data={data} text={fieldConfig.defaults.noValue || warning} />;
  }
  const { show, placement = 'bottom', width: legendWidth } = options.legend;
  return (
    <VizLayout
      width={width}
      height={height}
      legend={
        show ? (
          <VizLayout.Legend placement={placement} width={placement === 'right' ? (legendWidth ?? 160) : undefined} maxHeight="20%">
            <ColorScale view={view} hovered={hovered < 0 ? undefined : view.cells.count[hovered]} />
          </VizLayout.Legend>
        ) : null
      }
    >
      {(w, h) => (w > 0 && h > 0 ? <Plot {...props} view={view} width={w} height={h} onHover={setHovered} /> : null)}
    </VizLayout>
  );
}

function Plot({
  view,
  onHover,
  width,
  height,
  data,
  options,
  timeRange,
  timeZone,
  onChangeTimeRange,
}: PanelProps<Options> & { view: View; onHover: (cell: number) => void }) {
  const { sync, eventBus, eventsScope } = usePanelContext();
  const theme = grafana.theme2;
  const live = useLatest<Live>({ view, timeRange, onHover });
  // The kind of scale is built into the plot; its rows are read again for each drawing.
  const builder = useMade(() => buildConfig(live, options, theme, timeZone), view.cells.y.kind, options, theme, timeZone);
  const aligned = useMemo<uPlot.AlignedData>(() => [view.cells.xMin, view.cells.count], [view]);
  const { exemplars, annotations } = useOverlays(data);
  return (
    <div className={squareMarks} data-testid="heatmap">
      <UPlotChart config={builder} data={aligned} width={width} height={height}>
        <EventBusPlugin config={builder} eventBus={eventBus} frame={data.series[0]} />
        {options.tooltip.mode !== 'none' && (
          <TooltipPlugin2
            config={builder}
            hoverMode={hoverMode.xyOne}
            syncMode={sync?.() ?? DashboardCursorSync.Off}
            syncScope={eventsScope}
            maxWidth={options.tooltip.maxWidth}
            queryZoom={({ from, to }) => onChangeTimeRange({ from, to })}
            render={(_u, dataIdxs, _series, isPinned) => {
              const cell = dataIdxs[1];
              return cell == null || live().view.fill[cell] === undefined ? null : (
                <CellTooltip view={live().view} {...{ cell, isPinned, options, timeZone }} />
              );
            }}
          />
        )}
        <Annotations config={builder} frames={annotations} timeZone={timeZone} />
        <Exemplars
          config={builder}
          frames={exemplars}
          scaleOf={(_u, value) => ({ scale: 'y', at: yOfValue(view, value) })}
          color={options.exemplars?.color ?? 'rgba(255,0,255,0.7)'}
          timeZone={timeZone}
        />
      </UPlotChart>
    </div>
  );
}
