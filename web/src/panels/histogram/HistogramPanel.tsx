import { useMemo } from 'react';
import { formattedValueToString, getFieldSeriesColor, type PanelProps } from '@grafana/data';
import { TooltipDisplayMode } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';
import { PlotLegend, TooltipPlugin2, UPlotChart, useTheme2, VizLayout, VizTooltipRow, VizTooltipWrapper } from '@grafana/ui';

import { useLatest, useMade } from '../../runtime/hooks';
import { NoData } from '../shared/NoData';
import { TooltipContent } from '../shared/TooltipContent';
import { hoverModeOf } from '../shared/tooltipMode';
import { buildConfig } from './config';
import { buildModel, type Model } from './model';

export function HistogramPanel({ data, options, fieldConfig, width, height }: PanelProps<Options>) {
  const theme = useTheme2();
  const model = useMemo(() => buildModel(data.series, options, theme), [data.series, options, theme]);
  return model === undefined ? (
    <NoData data={data} text={fieldConfig.defaults.noValue || undefined} />
  ) : (
    <Histogram model={model} options={options} width={width} height={height} />
  );
}

interface Props {
  model: Model;
  options: Options;
  width: number;
  height: number;
}

function Histogram({ model, options, width, height }: Props) {
  const theme = useTheme2();
  const current = useLatest(model);
  // A plot is rebuilt when its configuration changes; new counts only require a redraw.
  const shape = JSON.stringify([model.ordinal, model.series.map(({ name, field }) => [name, field.config.color, field.config.custom, field.config.unit])]);
  const config = useMade(() => buildConfig(model, theme, current), shape, theme);
  const plotData = useMemo(() => [model.x, ...model.series.map((one) => one.tops)] as [number[], ...number[][]], [model]);
  const legendFrame = useMemo(
    () => ({
      length: model.x.length,
      fields: [{ name: 'x', type: model.series[0]!.field.type, config: {}, values: model.x }, ...model.series.map((one) => one.field)],
    }),
    [model]
  );
  const legend =
    options.legend?.showLegend === false ? null : (
      <PlotLegend
        data={[legendFrame]}
        config={config}
        {...options.legend}
        placement={options.legend?.placement ?? 'bottom'}
        calcs={options.legend?.calcs ?? []}
        showLegend
      />
    );
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {(plotWidth, plotHeight) => (
        <UPlotChart config={config} data={plotData} width={plotWidth} height={plotHeight}>
          {options.tooltip?.mode !== TooltipDisplayMode.None && (
            <TooltipPlugin2
              config={config}
              hoverMode={hoverModeOf(TooltipDisplayMode.Multi)}
              render={(_plot, dataIdxs, seriesIdx, isPinned) => (
                <Bucket
                  model={current()}
                  index={dataIdxs.slice(1).find((i) => i !== null) ?? dataIdxs[0] ?? null}
                  active={seriesIdx}
                  options={options}
                  isPinned={isPinned}
                />
              )}
              maxWidth={options.tooltip?.maxWidth}
            />
          )}
        </UPlotChart>
      )}
    </VizLayout>
  );
}

interface BucketProps {
  model: Model;
  index: number | null;
  active: number | null;
  options: Options;
  isPinned: boolean;
}

/** The content of the bucket under the pointer. */
function Bucket({ model, index, active, options, isPinned }: BucketProps) {
  const theme = useTheme2();
  if (index === null || model.from[index] === undefined) {
    return null;
  }
  const items = model.series
    .map((series, i) => ({ series, i }))
    .filter(
      ({ series, i }) =>
        series.field.config.custom?.hideFrom?.tooltip !== true &&
        series.field.config.custom?.hideFrom?.viz !== true &&
        (options.tooltip?.mode !== TooltipDisplayMode.Single || active === null || active === i + 1)
    )
    .map(({ series, i }) => {
      const count = series.counts[index] ?? 0;
      return {
        label: series.name,
        value: series.field.display ? formattedValueToString(series.field.display(count)) : String(count),
        color: getFieldSeriesColor(series.field, theme).color,
        isActive: active === i + 1,
        numeric: count,
      };
    });
  const { from, to } = model;
  return (
    <VizTooltipWrapper>
      <VizTooltipRow label="" value={<strong>{from[index] === to[index] ? from[index] : `${from[index]} – ${to[index]}`}</strong>} isPinned={isPinned} />
      <TooltipContent items={items} isPinned={isPinned} />
    </VizTooltipWrapper>
  );
}
