import { dateTimeFormat, type TimeZone } from '@grafana/data';
import { TooltipDisplayMode, type VizTooltipOptions } from '@grafana/schema';
import {
  getFieldDisplayLinks,
  isTooltipScrollable,
  VizTooltipColorIndicator,
  VizTooltipColorPlacement,
  VizTooltipFooter,
  VizTooltipHeader,
  VizTooltipWrapper,
} from '@grafana/ui';

import { TooltipContent } from '../shared/TooltipContent';
import type { Row, Segment } from './rows';

interface Props {
  rows: Row[];
  /** The segment of each row that is under the pointer. */
  hovered: Array<Segment | undefined>;
  row: number | null;
  time: number;
  isPinned: boolean;
  options: VizTooltipOptions;
  timeZone: TimeZone;
  /** Show the start and the duration. */
  withDuration: boolean;
}

/** The state under the pointer with its start and duration, or the states of all rows, depending on the options. */
export function StateTooltip({ rows, hovered, row, time, isPinned, options, timeZone, withDuration }: Props) {
  const all = options.mode === TooltipDisplayMode.Multi;
  const shown = rows.flatMap((r, i) => {
    const segment = hovered[i];
    return segment && (all || i === row) && r.field.config.custom?.hideFrom?.tooltip !== true ? [{ row: r, segment, active: i === row }] : [];
  });
  if (shown.length === 0) {
    return null;
  }
  const format = (at: number) => dateTimeFormat(at, { timeZone });
  const items = shown.map(({ row: r, segment, active }) => ({
    label: r.name,
    value: segment.text,
    color: segment.color,
    colorIndicator: VizTooltipColorIndicator.value,
    colorPlacement: VizTooltipColorPlacement.trailing,
    isActive: all && active,
  }));
  const one = row === null ? undefined : shown.find((s) => s.row === rows[row]);
  const header = one && !all && withDuration ? `${format(one.segment.from)} – ${format(one.segment.to)}` : format(time);
  if (one && withDuration && !all) {
    items.push(
      { ...plainItem, label: 'Since', value: format(one.segment.from) },
      { ...plainItem, label: 'Duration', value: durationText(one.segment.to - one.segment.from) }
    );
  }
  const links = one ? getFieldDisplayLinks(one.row.field, one.segment.row) : [];
  return (
    <VizTooltipWrapper>
      <VizTooltipHeader item={{ label: '', value: header }} isPinned={isPinned} />
      <TooltipContent items={items} isPinned={isPinned} scrollable={isTooltipScrollable(options)} maxHeight={options.maxHeight} />
      {isPinned && links.length > 0 && <VizTooltipFooter dataLinks={links} />}
    </VizTooltipWrapper>
  );
}

const plainItem = { color: undefined, colorIndicator: VizTooltipColorIndicator.value, colorPlacement: VizTooltipColorPlacement.hidden, isActive: false };

const units: Array<[number, string]> = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
  [1, 'ms'],
];

/** The two largest units of a duration in milliseconds: "2h 5m". */
export function durationText(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  const parts = units.flatMap(([size, unit]) => {
    const n = Math.floor(rest / size);
    rest -= n * size;
    return n > 0 ? [`${n}${unit}`] : [];
  });
  return parts.slice(0, 2).join(' ') || '0s';
}
