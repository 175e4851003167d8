import { css, cx } from '@emotion/css';
import { DashboardCursorSync, type DataFrame, type PanelProps } from '@grafana/data';
import { config } from '@grafana/runtime';
import { LegendDisplayMode, TooltipDisplayMode, type VizLegendOptions } from '@grafana/schema';
import { EventBusPlugin, TimeSeries, TooltipPlugin2, usePanelContext, type UPlotConfigBuilder } from '@grafana/ui';
import { useMemo } from 'react';

import { timePadding } from '../shared/axisRoom';
import { NoData } from '../shared/NoData';
import { hoverModeOf } from '../shared/tooltipMode';
import { Annotations } from './Annotations';
import { Exemplars, firstScale } from './Exemplars';
import { graphable } from './frames';
import { widthOf } from './legend';
import { LongLegend } from './LongLegend';
import type { Options } from './options';
import { useOverlays } from './overlay';
import { Tooltip } from './Tooltip';

/** Values over time as lines, bars or points. */
export function TimeSeriesPanel({
  data,
  timeRange,
  timeZone,
  width,
  height,
  options,
  onChangeTimeRange,
  replaceVariables,
  fieldConfig,
  id,
}: PanelProps<Options>) {
  const { sync, eventBus, eventsScope } = usePanelContext();
  const { frames, legend, warning } = useMemo(() => graphable(data.series, config.theme2, timeRange), [data.series, timeRange]);
  const zones = useMemo(
    () => (options.timezone?.length ? options.timezone.map((z) => replaceVariables(z) || timeZone) : [timeZone]),
    [options.timezone, timeZone, replaceVariables]
  );
  const { exemplars, annotations } = useOverlays(data);
  if (!frames) {
    return <NoData text={fieldConfig.defaults.noValue || warning} data={data} />;
  }
  const mode = sync?.() ?? DashboardCursorSync.Off;
  const zoom = ({ from, to }: { from: number; to: number }) => onChangeTimeRange({ from, to });
  const overPlot = (builder: UPlotConfigBuilder, aligned: DataFrame) => {
    builder.setPadding(timePadding);
    return (
      <>
        <EventBusPlugin config={builder} eventBus={eventBus} frame={aligned} />
        {options.tooltip.mode !== TooltipDisplayMode.None && (
          <TooltipPlugin2
            config={builder}
            hoverMode={hoverModeOf(options.tooltip.mode)}
            queryZoom={zoom}
            clientZoom
            syncMode={mode}
            syncScope={eventsScope}
            maxWidth={options.tooltip.maxWidth}
            render={(_u, dataIdxs, seriesIdx, isPinned) => (
              <Tooltip
                frame={aligned}
                {...{ dataIdxs, seriesIdx, isPinned }}
                options={options.tooltip}
                timeZone={zones[0]!}
                replaceVariables={replaceVariables}
              />
            )}
          />
        )}
        <Annotations config={builder} frames={annotations} timeZone={zones[0]!} />
        <Exemplars config={builder} frames={exemplars} scaleOf={firstScale} timeZone={zones[0]!} />
      </>
    );
  };
  const long = options.legend.showLegend ? legend : undefined;
  const room = roomOf(long && widthOf(long, data.series, options.legend.calcs.length), options.legend, width, height);
  return (
    <div className={cx(cursor, room.beside && beside)} data-testid="timeseries" data-panel-id={id}>
      {frames.length > 0 ? (
        <TimeSeries
          frames={frames}
          structureRev={data.structureRev}
          timeRange={timeRange}
          timeZone={zones}
          width={room.plot.width}
          height={room.plot.height}
          legend={long ? noLegend : options.legend}
          options={options}
        >
          {overPlot}
        </TimeSeries>
      ) : (
        <div style={room.plot} />
      )}
      {long && <LongLegend series={long} frames={data.series} options={options.legend} {...room.legend} />}
    </div>
  );
}

const noLegend: VizLegendOptions = { showLegend: false, displayMode: LegendDisplayMode.List, placement: 'bottom', calcs: [] };

/** Layout of the plot and a long legend: as in Grafana, the legend is below on narrow screens, and never larger than the plot. */
function roomOf(needed: number | undefined, options: VizLegendOptions, width: number, height: number) {
  if (needed === undefined) {
    return { plot: { width, height }, legend: { width: 0, height: 0 } };
  }
  if (options.placement === 'right' && document.body.clientWidth >= config.theme2.breakpoints.values.lg) {
    const own = Math.min(Number(options.width) || needed, Math.floor(width / 2));
    return { beside: true, plot: { width: width - own, height }, legend: { width: own, height } };
  }
  const own = Math.floor(height * 0.35);
  return { plot: { width, height: height - own }, legend: { width, height: own } };
}

const cursor = css({ width: '100%', height: '100%' });
const beside = css({ display: 'flex' });
