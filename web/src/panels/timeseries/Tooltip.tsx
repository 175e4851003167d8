import { css } from '@emotion/css';
import { dateTimeFormat, FieldType, type DataFrame, type TimeZone } from '@grafana/data';
import { SortOrder, TooltipDisplayMode, type VizTooltipOptions } from '@grafana/schema';
import { getFieldDisplayItems, getFieldDisplayLinks, isTooltipScrollable, VizTooltipContent, VizTooltipFooter, VizTooltipWrapper } from '@grafana/ui';

interface Props {
  frame: DataFrame;
  dataIdxs: Array<number | null>;
  seriesIdx: number | null;
  isPinned: boolean;
  options: VizTooltipOptions;
  timeZone: TimeZone;
}

/** What is under the pointer: the time, then each series' name and value. */
export function Tooltip({ frame, dataIdxs, seriesIdx, isPinned, options, timeZone }: Props) {
  const [x] = frame.fields;
  const at = dataIdxs[0];
  if (!x || at === null || at === undefined) {
    return null;
  }
  const mode = options.mode === TooltipDisplayMode.Multi && isPinned ? TooltipDisplayMode.Multi : options.mode;
  const items = getFieldDisplayItems(frame.fields, x, dataIdxs, seriesIdx, mode, options.sort ?? SortOrder.None, (f) => f.type === FieldType.number || f.type === FieldType.enum, options.hideZeros);
  const field = seriesIdx === null ? undefined : frame.fields[seriesIdx];
  const row = seriesIdx === null ? null : dataIdxs[seriesIdx];
  const links = field && typeof row === 'number' ? getFieldDisplayLinks(field, row) : [];
  const time = dateTimeFormat(x.values[at] as number, { timeZone });
  return (
    <VizTooltipWrapper>
      <div className={header}>{time}</div>
      <VizTooltipContent items={items} isPinned={isPinned} scrollable={isTooltipScrollable(options)} maxHeight={options.maxHeight} />
      {isPinned && links.length > 0 && <VizTooltipFooter dataLinks={links} />}
    </VizTooltipWrapper>
  );
}

const header = css({ padding: '6px 8px', fontWeight: 500 });
