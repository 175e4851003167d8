import type { Field, PanelProps } from '@grafana/data';
import { config as grafana } from '@grafana/runtime';
import { LegendDisplayMode, SortOrder, TooltipDisplayMode, VizOrientation } from '@grafana/schema';
import {
  getFieldDisplayItems,
  getFieldDisplayLinks,
  isTooltipScrollable,
  PlotLegend,
  TooltipPlugin2,
  UPlotChart,
  VizLayout,
  VizTooltipFooter,
  VizTooltipHeader,
  VizTooltipWrapper,
} from '@grafana/ui';
import { useMemo } from 'react';
import type uPlot from 'uplot';

import { useLatest, useMade } from '../../runtime/hooks';
import { NoData } from '../shared/NoData';
import { squareMarks } from '../shared/square';
import { TooltipContent } from '../shared/TooltipContent';
import { hoverModeOf } from '../shared/tooltipMode';
import { barColor } from './colors';
import { buildConfig, scaleKeyOf, signsOf } from './config';
import type { Options } from './options';
import { barsOf, stacked, type Bars } from './series';

/** Bar chart of values by category. */
export function BarChartPanel({ data, options, fieldConfig, timeZone, width, height }: PanelProps<Options>) {
  const theme = grafana.theme2;
  const { bars, warning } = useMemo(() => {
    const found = barsOf(data.series, options, timeZone);
    return found.bars ? { bars: stacked(found.bars, options.stacking) } : { warning: found.warning };
  }, [data.series, options, timeZone]);
  const horizontal = options.orientation === VizOrientation.Horizontal || (options.orientation !== VizOrientation.Vertical && width < height);
  const scene = bars && { bars, options, theme, horizontal, scaleKeys: bars.series.map((s) => scaleKeyOf(s.field)) };
  const live = useLatest(scene);
  const multi = options.tooltip.mode === TooltipDisplayMode.Multi;
  // What the plot is built from besides the options: its series with their settings, and the labels, whose lengths
  // determine the size of the axis.
  const signs = scene?.scaleKeys.map((key) => signsOf(scene, key));
  const shape = bars && JSON.stringify([bars.series.map((s) => [s.name, s.hidden, s.origin]), bars.ticks, signs]);
  const builder = useMade(() => (scene ? buildConfig(() => live()!, multi) : undefined), shape, options, fieldConfig, theme, horizontal, multi);
  const aligned = useMemo<uPlot.AlignedData>(() => (bars ? [bars.labels.map((_, i) => i), ...bars.series.map((s) => s.to)] : [[]]), [bars]);
  if (!bars || !builder) {
    return <NoData data={data} text={fieldConfig.defaults.noValue || warning} />;
  }
  const { legend, tooltip } = options;
  const drawLegend = legend.showLegend && legend.displayMode !== LegendDisplayMode.Hidden;
  return (
    <div className={squareMarks} data-testid="barchart">
      <VizLayout width={width} height={height} legend={drawLegend ? <PlotLegend data={data.series} config={builder} {...legend} /> : null}>
        {(w, h) =>
          w > 0 && h > 0 ? (
            <UPlotChart config={builder} data={aligned} width={w} height={h}>
              {tooltip.mode !== TooltipDisplayMode.None && (
                <TooltipPlugin2
                  config={builder}
                  hoverMode={hoverModeOf(tooltip.mode)}
                  maxWidth={tooltip.maxWidth}
                  render={(_u, dataIdxs, seriesIdx, isPinned) => <BarTooltip bars={live()!.bars} {...{ dataIdxs, seriesIdx, isPinned, options }} />}
                />
              )}
            </UPlotChart>
          ) : null
        }
      </VizLayout>
    </div>
  );
}

interface TooltipProps {
  bars: Bars;
  dataIdxs: Array<number | null>;
  seriesIdx: number | null;
  isPinned: boolean;
  options: Options;
}

/** The group under the pointer with the value of its bar or of all its bars. */
function BarTooltip({ bars, dataIdxs, seriesIdx, isPinned, options: { tooltip } }: TooltipProps) {
  const group = dataIdxs.find((index, i) => i > 0 && index !== null) ?? null;
  if (group === null) {
    return null;
  }
  const theme = grafana.theme2;
  const x: Field = { ...bars.xField, values: bars.labels };
  // The values of the groups, with the names of the legend and the colors of the bars.
  const fields = bars.series
    .filter((s) => !s.hidden)
    .map((s): [number, Field] => {
      const display = s.field.display && ((value: unknown) => ({ ...s.field.display!(value), color: barColor(bars, s, group, theme) }));
      return [bars.series.indexOf(s) + 1, { ...s.field, display, values: s.values, state: { ...s.field.state, displayName: s.name } }];
    });
  const shownIdx = seriesIdx === null ? null : fields.findIndex(([index]) => index === seriesIdx) + 1;
  const items = getFieldDisplayItems(
    [x, ...fields.map(([, f]) => f)],
    x,
    [group, ...fields.map(() => group)],
    shownIdx,
    tooltip.mode,
    tooltip.sort ?? SortOrder.None,
    undefined,
    tooltip.hideZeros
  );
  const series = seriesIdx === null ? undefined : bars.series[seriesIdx - 1];
  const row = series?.rows[group];
  const links = series && typeof row === 'number' ? getFieldDisplayLinks(series.field, row) : [];
  return (
    <VizTooltipWrapper>
      <VizTooltipHeader item={{ label: '', value: bars.labels[group] }} isPinned={isPinned} />
      <TooltipContent items={items} isPinned={isPinned} scrollable={isTooltipScrollable(tooltip)} maxHeight={tooltip.maxHeight} />
      {isPinned && links.length > 0 && <VizTooltipFooter dataLinks={links} />}
    </VizTooltipWrapper>
  );
}
