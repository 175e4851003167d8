import { dateTimeFormat, type TimeZone } from '@grafana/data';
import {
  getFieldDisplayLinks,
  VizTooltipColorIndicator,
  VizTooltipColorPlacement,
  VizTooltipContent,
  VizTooltipFooter,
  VizTooltipHeader,
  VizTooltipWrapper,
} from '@grafana/ui';

import { ColorScale } from './ColorScale';
import type { Options } from './options';
import { bucketText, columnAt, type View } from './view';

interface Props {
  view: View;
  cell: number;
  isPinned: boolean;
  options: Options;
  timeZone: TimeZone;
}

/** The cell under the pointer: its time, bucket and count, or all buckets at that time, depending on the options. */
export function CellTooltip({ view, cell, isPinned, options, timeZone }: Props) {
  const { cells } = view;
  const column = columnAt(view, cells.xMin[cell]!) ?? { from: cell, to: cell + 1 };
  const drawn: number[] = [];
  for (let i = column.to - 1; i >= column.from; i--) {
    if (view.fill[i]! >= 0) {
      drawn.push(i);
    }
  }
  const all = options.tooltip.mode === 'multi';
  const item = (i: number) => ({
    label: bucketText(view, i),
    value: view.formatCount(cells.count[i]!),
    color: view.palette[view.fill[i]!],
    isActive: all && i === cell,
    colorIndicator: VizTooltipColorIndicator.value,
    colorPlacement: VizTooltipColorPlacement.trailing,
  });
  const source = cells.source?.(cell);
  const links = source ? getFieldDisplayLinks(source.field, source.row) : [];
  const format = (t: number) => dateTimeFormat(t, { timeZone });
  const labels = Object.entries(cells.countField?.labels ?? {}).filter(([name]) => name !== 'le' && name !== '__name__');
  const plain = { colorPlacement: VizTooltipColorPlacement.hidden };
  const items = all
    ? drawn.map(item)
    : [
        { ...plain, label: 'Bucket', value: bucketText(view, cell) },
        { ...item(cell), label: cells.source ? 'Value' : 'Count' },
        ...labels.map(([label, value]) => ({ ...plain, label, value })),
      ];
  return (
    <VizTooltipWrapper>
      <VizTooltipHeader item={{ label: '', value: `${format(cells.xMin[cell]!)} – ${format(cells.xMax[cell]!)}` }} isPinned={isPinned} />
      <VizTooltipContent items={items} isPinned={isPinned} scrollable={all} maxHeight={options.tooltip.maxHeight ?? 300}>
        {options.tooltip.yHistogram && <Histogram view={view} drawn={drawn} cell={cell} />}
        {options.tooltip.showColorScale && <ColorScale view={view} hovered={cells.count[cell]} />}
      </VizTooltipContent>
      {isPinned && links.length > 0 && <VizTooltipFooter dataLinks={links} />}
    </VizTooltipWrapper>
  );
}

const [histogramWidth, histogramHeight] = [264, 64];

/** The counts of all buckets at one time as bars. */
function Histogram({ view, drawn, cell }: { view: View; drawn: number[]; cell: number }) {
  const most = drawn.reduce((max, i) => Math.max(max, view.cells.count[i]!), 0) || 1;
  const bar = histogramWidth / Math.max(1, drawn.length);
  return (
    <svg width={histogramWidth} height={histogramHeight} role="img" aria-label="Histogram of the buckets">
      {[...drawn].reverse().map((i, n) => {
        const height = (Math.max(0, view.cells.count[i]!) / most) * histogramHeight;
        return (
          <rect
            key={i}
            x={n * bar}
            y={histogramHeight - height}
            width={Math.max(1, bar - 1)}
            height={height}
            fill={view.palette[view.fill[i]!]}
            stroke={i === cell ? 'currentColor' : 'none'}
          />
        );
      })}
    </svg>
  );
}
