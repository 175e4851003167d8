import { VizTooltipContent } from '@grafana/ui';
import type { ComponentProps } from 'react';

type Props = ComponentProps<typeof VizTooltipContent>;

/** About as many rows fit on a screen, and all of them are drawn anew with each movement of the pointer. */
export const mostItems = 40;

/** The values of a tooltip; one that follows the pointer shows the first of many and says so. */
export function TooltipContent(props: Props) {
  const { items, isPinned } = props;
  const shown = isPinned ? items : shownOf(items);
  return (
    <VizTooltipContent {...props} items={shown}>
      {shown.length < items.length && <small>{`${shown.length} of ${items.length} series; a click shows all`}</small>}
    </VizTooltipContent>
  );
}

/** The first items; the one under the pointer is always among them. */
export function shownOf(items: Props['items']): Props['items'] {
  const at = items.findIndex((item) => item.isActive);
  return at < mostItems ? items.slice(0, mostItems) : [...items.slice(0, mostItems - 1), items[at]!];
}
