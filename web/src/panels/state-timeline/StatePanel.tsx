import { css } from '@emotion/css';
import { DashboardCursorSync, FieldType, type PanelProps, type TimeRange } from '@grafana/data';
import { config as grafana } from '@grafana/runtime';
import {
  LegendDisplayMode,
  TooltipDisplayMode,
  VisibilityMode,
  type OptionsWithLegend,
  type OptionsWithTimezones,
  type OptionsWithTooltip,
  type TimelineValueAlignment,
} from '@grafana/schema';
import { EventBusPlugin, Pagination, TooltipPlugin2, UPlotChart, usePanelContext, VizLayout, VizLegend } from '@grafana/ui';
import { useMemo, useState } from 'react';

import { useLatest, useMade } from '../../runtime/hooks';
import { NoData } from '../shared/NoData';
import { hoverModeOf } from '../shared/tooltipMode';
import { Annotations } from '../timeseries/Annotations';
import { useOverlays } from '../timeseries/overlay';
import { buildConfig, hoveredSegment, plotData, type Live } from './config';
import { stateLegend } from './legend';
import type { Row } from './rows';
import { squareMarks } from '../shared/square';
import { StateTooltip } from './Tooltip';

/** Options shared by both state panels. */
export interface StateOptions extends OptionsWithLegend, OptionsWithTooltip, OptionsWithTimezones {
  showValue: VisibilityMode;
  rowHeight: number;
  perPage?: number;
}

interface Props extends PanelProps<StateOptions> {
  rowsOf: (props: PanelProps<StateOptions>, timeRange: TimeRange) => Row[];
  withDuration: boolean;
  alignValue: TimelineValueAlignment;
}

const pagerHeight = 36;
/** The number of page links that fit into a narrow panel. */
const shortList = 5;

/** States over time, one row per field. */
export function StatePanel(props: Props) {
  const { data, timeRange, timeZone, width, height, options, fieldConfig, replaceVariables, rowsOf } = props;
  const theme = grafana.theme2;
  const rows = useMade(() => rowsOf(props, timeRange), data.series, timeRange, options, rowsOf);
  const zones = useMemo(
    () => (options.timezone?.length ? options.timezone.map((z) => replaceVariables(z) || timeZone) : [timeZone]),
    [options.timezone, timeZone, replaceVariables]
  );
  const legend = useMemo(() => stateLegend(rows, theme), [rows, theme]);
  const [wanted, setPage] = useState(1);
  if (rows.every((r) => r.segments.length === 0)) {
    return <NoData data={data} text={fieldConfig.defaults.noValue || whyNothing(props)} />;
  }
  const perPage = options.perPage && options.perPage > 0 ? options.perPage : rows.length;
  const pages = Math.ceil(rows.length / perPage);
  const page = Math.min(wanted, pages);
  const shown = rows.slice((page - 1) * perPage, page * perPage);
  const { placement, width: legendWidth, displayMode, showLegend } = options.legend;
  const drawLegend = showLegend && displayMode !== LegendDisplayMode.Hidden && legend.length > 0;
  return (
    <div className={squareMarks} data-testid="state-panel">
      <VizLayout
        width={width}
        height={height - (pages > 1 ? pagerHeight : 0)}
        legend={
          drawLegend ? (
            <VizLayout.Legend placement={placement} width={legendWidth}>
              <VizLegend placement={placement} items={legend} displayMode={displayMode} readonly />
            </VizLayout.Legend>
          ) : null
        }
      >
        {(w, h) => (w > 0 && h > 0 ? <Plot {...props} rows={shown} zones={zones} width={w} height={h} /> : null)}
      </VizLayout>
      {pages > 1 && (
        <div className={pager}>
          <Pagination currentPage={page} numberOfPages={pages} onNavigate={setPage} showSmallVersion={width < 500 && pages > shortList} />
        </div>
      )}
    </div>
  );
}

function whyNothing({ data }: Props): string {
  if (data.series.every((f) => f.length === 0)) {
    return 'No data';
  }
  return data.series.some((f) => f.fields.some((field) => field.type === FieldType.time)) ? 'No data' : 'Data is missing a time field';
}

function Plot({ rows, zones, width, height, ...props }: Props & { rows: Row[]; zones: string[] }) {
  const { data, timeRange, options, onChangeTimeRange, withDuration } = props;
  const { sync, eventBus, eventsScope } = usePanelContext();
  const theme = grafana.theme2;
  const live = useLatest<Live>({
    rows,
    timeRange,
    style: { theme, rowHeight: options.rowHeight ?? 0.9, showValue: options.showValue ?? VisibilityMode.Auto, alignValue: props.alignValue },
  });
  const axis = rows[0]?.field.config.custom as { axisPlacement?: string; axisWidth?: number } | undefined;
  const names = rows.map((r) => r.name).join('\n');
  const builder = useMade(
    () => buildConfig(live, theme, zones, rows.length, { show: axis?.axisPlacement !== 'hidden', width: axis?.axisWidth }),
    names,
    zones,
    theme,
    options,
    axis?.axisPlacement,
    axis?.axisWidth
  );
  // A new range requires a redraw even if the samples are the same.
  const aligned = useMade(() => plotData(rows), rows, timeRange);
  const { annotations } = useOverlays(data);
  return (
    <UPlotChart config={builder} data={aligned} width={width} height={height}>
      <EventBusPlugin config={builder} eventBus={eventBus} frame={data.series[0]} />
      {options.tooltip.mode !== TooltipDisplayMode.None && (
        <TooltipPlugin2
          config={builder}
          hoverMode={hoverModeOf(options.tooltip.mode)}
          syncMode={sync?.() ?? DashboardCursorSync.Off}
          syncScope={eventsScope}
          maxWidth={options.tooltip.maxWidth}
          queryZoom={({ from, to }) => onChangeTimeRange({ from, to })}
          render={(u, _dataIdxs, series, isPinned) => {
            const time = u.posToVal(u.cursor.left ?? 0, 'x');
            return (
              <StateTooltip
                rows={rows}
                hovered={rows.map((_, i) => hoveredSegment(live(), i, time))}
                row={series === null ? null : series - 1}
                {...{ time, isPinned, withDuration }}
                options={options.tooltip}
                timeZone={zones[0]!}
              />
            );
          }}
        />
      )}
      <Annotations config={builder} frames={annotations} timeZone={zones[0]!} />
    </UPlotChart>
  );
}

const pager = css({ display: 'flex', justifyContent: 'flex-end', height: pagerHeight, alignItems: 'center' });
