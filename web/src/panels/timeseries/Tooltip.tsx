import { dateTimeFormat, FieldType, getLinksSupplier, type DataFrame, type Field, type InterpolateFunction, type TimeZone } from '@grafana/data';
import { SortOrder, TooltipDisplayMode, type VizTooltipOptions } from '@grafana/schema';
import { getFieldDisplayItems, getFieldDisplayLinks, isTooltipScrollable, VizTooltipFooter, VizTooltipHeader, VizTooltipWrapper } from '@grafana/ui';

import { TooltipContent } from '../shared/TooltipContent';

interface Props {
  frame: DataFrame;
  dataIdxs: Array<number | null>;
  seriesIdx: number | null;
  isPinned: boolean;
  options: VizTooltipOptions;
  timeZone: TimeZone;
  replaceVariables: InterpolateFunction;
}

/** What is under the pointer: the time, then each series' name and value. */
export function Tooltip({ frame, dataIdxs, seriesIdx, isPinned, options, timeZone, replaceVariables }: Props) {
  const [x] = frame.fields;
  const at = dataIdxs[0];
  if (!x || at === null || at === undefined) {
    return null;
  }
  const mode = options.mode === TooltipDisplayMode.Multi && isPinned ? TooltipDisplayMode.Multi : options.mode;
  const items = getFieldDisplayItems(
    frame.fields,
    x,
    dataIdxs,
    seriesIdx,
    mode,
    options.sort ?? SortOrder.None,
    (f) => f.type === FieldType.number || f.type === FieldType.enum,
    options.hideZeros
  );
  const field = seriesIdx === null ? undefined : frame.fields[seriesIdx];
  const row = seriesIdx === null ? null : dataIdxs[seriesIdx];
  const links = field && typeof row === 'number' ? getFieldDisplayLinks(withLinks(field, frame, replaceVariables), row) : [];
  const time = dateTimeFormat(x.values[at] as number, { timeZone });
  return (
    <VizTooltipWrapper>
      <VizTooltipHeader item={{ label: '', value: time }} isPinned={isPinned} />
      <TooltipContent items={items} isPinned={isPinned} scrollable={isTooltipScrollable(options)} maxHeight={options.maxHeight} />
      {isPinned && links.length > 0 && <VizTooltipFooter dataLinks={links} />}
    </VizTooltipWrapper>
  );
}

/** A field whose links can access its values in the joined frame and those of the other fields from its original frame. */
function withLinks(field: Field, frame: DataFrame, replaceVariables: InterpolateFunction): Field {
  const from = field.state?.origin?.frameIndex;
  const fields = frame.fields.filter((f, i) => i === 0 || f === field || (from !== undefined && f.state?.origin?.frameIndex === from));
  return { ...field, getLinks: getLinksSupplier({ ...frame, fields }, field, { ...field.state?.scopedVars, __dataContext: undefined }, replaceVariables) };
}
