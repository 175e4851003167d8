import { css } from '@emotion/css';
import { DashboardCursorSync, type DataFrame, type PanelProps } from '@grafana/data';
import { config } from '@grafana/runtime';
import { TooltipDisplayMode } from '@grafana/schema';
import { EventBusPlugin, TimeSeries, TooltipPlugin2, usePanelContext, type UPlotConfigBuilder } from '@grafana/ui';
import { useMemo } from 'react';

import { timePadding } from '../shared/axisRoom';
import { NoData } from '../shared/NoData';
import { hoverModeOf } from '../shared/tooltipMode';
import { Annotations } from './Annotations';
import { Exemplars, firstScale } from './Exemplars';
import { graphable } from './frames';
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
  const { frames, warning } = useMemo(() => graphable(data.series, config.theme2, timeRange), [data.series, timeRange]);
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
  return (
    <div className={cursor} data-testid="timeseries" data-panel-id={id}>
      <TimeSeries
        frames={frames}
        structureRev={data.structureRev}
        timeRange={timeRange}
        timeZone={zones}
        width={width}
        height={height}
        legend={options.legend}
        options={options}
      >
        {overPlot}
      </TimeSeries>
    </div>
  );
}

const cursor = css({ width: '100%', height: '100%' });
