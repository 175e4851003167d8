import { VizTooltipContent } from '@grafana/ui';
import type { ComponentProps } from 'react';

type Props = ComponentProps<typeof VizTooltipContent>;

/** About as many rows as fit on a screen; all of them are rendered for each movement of the pointer. */
export const mostItems = 40;

/** The values of a tooltip; while it follows the pointer, it shows only the first of many, with a note. */
export function TooltipContent(props: Props) {
  const { items, isPinned } = props;
  const shown = isPinned ? items : shownOf(items);
  return (
    <VizTooltipContent {...props} items={shown}>
      {shown.length < items.length && <small>{`${shown.length} of ${items.length} series; a click shows all`}</small>}
    </VizTooltipContent>
  );
}

/** The first items, always including the one under the pointer. */
export function shownOf(items: Props['items']): Props['items'] {
  const at = items.findIndex((item) => item.isActive);
  return at < mostItems ? items.slice(0, mostItems) : [...items.slice(0, mostItems - 1), items[at]!];
}
