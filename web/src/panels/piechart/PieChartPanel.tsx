import { useMemo, useState } from 'react';
import { formattedValueToString, type PanelProps } from '@grafana/data';
import { LegendDisplayMode, TooltipDisplayMode } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import { SeriesTable, useTheme2, VizLayout, VizLegend, VizTooltip, type VizLegendItem } from '@grafana/ui';

import { NoData } from '../shared/NoData';
import { reduceToDisplays } from '../shared/reduce';
import { Pie } from './Pie';
import { entriesOf, percentText, totalOf, type Entry } from './values';

interface Hover {
  entry: Entry;
  x: number;
  y: number;
}

export function PieChartPanel(props: PanelProps<Options>) {
  const { data, options, width, height, fieldConfig, timeZone, replaceVariables } = props;
  const theme = useTheme2();
  const [hover, setHover] = useState<Hover>();
  const entries = useMemo(
    () => entriesOf(reduceToDisplays({ data, options, fieldConfig, timeZone, replaceVariables }), options.sort),
    [data, options, fieldConfig, timeZone, replaceVariables]
  );
  // Without rows, there is still one value: the "no value" text.
  if (entries.length === 0 || data.series.every((frame) => frame.length === 0)) {
    return <NoData data={data} text={fieldConfig.defaults.noValue || undefined} />;
  }
  const total = totalOf(entries);
  const shown = hover && options.tooltip?.mode !== TooltipDisplayMode.None && hover.entry.tooltip;
  return (
    <>
      <VizLayout width={width} height={height} legend={legendOf(entries, total, options)}>
        {(vizWidth, vizHeight) => (
          <Pie
            entries={entries.filter((entry) => !entry.hidden)}
            total={total}
            width={vizWidth}
            height={vizHeight}
            options={options}
            theme={theme}
            active={hover?.entry}
            onHover={(entry, event) => setHover(entry && event && { entry, x: event.clientX, y: event.clientY })}
          />
        )}
      </VizLayout>
      {shown && <VizTooltip position={hover} offset={{ x: 10, y: 10 }} content={<SeriesTable series={tooltipRows(entries, hover.entry, total, options)} />} />}
    </>
  );
}

function tooltipRows(entries: Entry[], active: Entry, total: number, options: Options) {
  const all = options.tooltip?.mode === TooltipDisplayMode.Multi;
  return entries
    .filter((entry) => (all ? !entry.hidden && entry.tooltip : entry === active))
    .map((entry) => ({
      color: entry.color,
      label: entry.name,
      value: `${formattedValueToString(entry.display.display)} (${percentText(entry.value, total, entry.display.field.decimals)})`,
      isActive: all && entry === active,
    }));
}

function legendOf(entries: Entry[], total: number, options: Options) {
  const { legend } = options;
  if (legend?.showLegend === false) {
    return null;
  }
  const values = (legend?.values ?? []) as string[];
  const placement = legend?.placement ?? 'right';
  const items = entries
    .filter((entry) => entry.legend)
    .map((entry, i): VizLegendItem => ({
      label: entry.name,
      color: entry.color,
      disabled: entry.hidden,
      yAxis: 1,
      getItemKey: () => `${i} ${entry.name}`,
      getDisplayValues: () => [
        ...(values.includes('value') ? [{ ...entry.display.display, title: 'Value', color: undefined }] : []),
        ...(values.includes('percent')
          ? [
              {
                numeric: total > 0 ? entry.value / total : 0,
                text: entry.hidden ? '–' : percentText(entry.value, total, entry.display.field.decimals),
                title: 'Percent',
              },
            ]
          : []),
      ],
    }));
  return (
    <VizLayout.Legend placement={placement} width={legend?.width}>
      {/* Fields can be hidden, rows of a single field cannot. */}
      <VizLegend
        items={items}
        placement={placement}
        displayMode={legend?.displayMode ?? LegendDisplayMode.List}
        readonly={options.reduceOptions?.values === true}
      />
    </VizLayout.Legend>
  );
}
