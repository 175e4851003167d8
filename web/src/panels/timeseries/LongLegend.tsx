import { css, cx } from '@emotion/css';
import type { DataFrame, GrafanaTheme2 } from '@grafana/data';
import { LegendDisplayMode, type VizLegendOptions } from '@grafana/schema';
import { Icon, SeriesColorPicker, SeriesIcon, SeriesVisibilityChangeMode, usePanelContext, useStyles2, useTheme2 } from '@grafana/ui';
import { useMemo, useState, type MouseEvent } from 'react';

import { mostSeries } from '../shared/mostSeries';
import { nameColumn, rowsOf, sorted, titleOf, valueOf, widthOf, type LegendRow, type LegendSeries } from './legend';

/** Height of a row, in pixels. */
const rowHeight = 22;
/** Extra rows around the visible ones, so that scrolling does not show an empty area. */
const overscan = 10;

interface Props {
  series: LegendSeries[];
  frames: DataFrame[];
  options: VizLegendOptions;
  width: number;
  height: number;
}

/** The legend of a graph with so many series that only the visible ones are rendered. */
export function LongLegend({ series, frames, options, width, height }: Props) {
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const { onToggleLegendSort } = usePanelContext();
  const [top, setTop] = useState(0);
  const { calcs, sortBy, sortDesc = false } = options;
  const asTable = options.displayMode === LegendDisplayMode.Table;
  const rows = useMemo(() => rowsOf(series, frames, theme), [series, frames, theme]);
  const ordered = useMemo(() => sorted(rows, calcs, asTable ? sortBy : undefined, sortDesc), [rows, calcs, asTable, sortBy, sortDesc]);
  const needed = useMemo(() => widthOf(series, frames, calcs.length), [series, frames, calcs]);
  const columns = asTable ? 1 : Math.max(1, Math.floor(width / Math.min(width, needed)));
  const lines = Math.ceil(ordered.length / columns);
  const from = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const to = Math.min(lines, Math.ceil((top + height) / rowHeight) + overscan);
  const grid = { gridTemplateColumns: asTable ? `22px minmax(80px, 1fr) repeat(${calcs.length}, 90px)` : `repeat(${columns}, minmax(0, 1fr))` };
  const shown = ordered.slice(from * columns, to * columns);
  const cells = (row: LegendRow) => (
    <>
      <Color row={row} />
      <Name row={row} />
      {calcs.map((calc) => (
        <span key={calc} className={styles.value} role={asTable ? 'cell' : undefined}>
          {asTable ? valueOf(row, calc, theme) : `${titleOf(calc)}: ${valueOf(row, calc, theme)}`}
        </span>
      ))}
    </>
  );
  return (
    <div
      className={styles.scroller}
      style={{ width, height }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      tabIndex={0}
      role={asTable ? 'table' : 'list'}
      aria-rowcount={asTable ? ordered.length + 1 : undefined}
      aria-label={`Legend of ${ordered.length} series`}
      data-testid="long-legend"
    >
      {asTable && (
        <div className={cx(styles.row, styles.head)} style={grid} role="row" aria-rowindex={1}>
          <span role="columnheader" aria-label="Colour" />
          {[nameColumn, ...calcs.map(titleOf)].map((title) => (
            <span
              key={title}
              role="columnheader"
              style={{ textAlign: title === nameColumn ? 'left' : 'right' }}
              aria-sort={sortBy === title ? (sortDesc ? 'descending' : 'ascending') : undefined}
            >
              <button type="button" className={styles.sort} onClick={() => onToggleLegendSort?.(title)}>
                {title} {sortBy === title && <Icon size="xs" name={sortDesc ? 'angle-down' : 'angle-up'} />}
              </button>
            </span>
          ))}
        </div>
      )}
      <div style={{ position: 'relative', height: lines * rowHeight }} role="presentation">
        {shown.map((row, i) => {
          const at = from * columns + i;
          const line = Math.floor(at / columns);
          const place = { top: line * rowHeight, ...(asTable ? grid : { left: `${(100 * (at % columns)) / columns}%`, width: `${100 / columns}%` }) };
          return (
            <div
              key={at}
              className={cx(asTable ? styles.row : styles.item, styles.placed, row.hidden && styles.hidden)}
              style={place}
              role={asTable ? 'row' : 'listitem'}
              aria-rowindex={asTable ? at + 2 : undefined}
            >
              {cells(row)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** The line of a series; a click changes its color. */
function Color({ row: { name, color, drawn, hidden } }: { row: LegendRow }) {
  const { onSeriesColorChange } = usePanelContext();
  const [near, setNear] = useState(false);
  const style = drawn || hidden ? undefined : { opacity: 0.3 };
  // The picker is expensive: it is only rendered while the pointer is over the line.
  if (!onSeriesColorChange || !color || !near) {
    return (
      <span style={style} onMouseEnter={() => setNear(true)}>
        <SeriesIcon color={color} />
      </span>
    );
  }
  return (
    <span style={style}>
      <SeriesColorPicker color={color} onChange={(next) => onSeriesColorChange(name, next)} enableNamedColors>
        {({ ref, showColorPicker, hideColorPicker }) => (
          <SeriesIcon color={color} ref={ref as React.Ref<HTMLDivElement>} className="pointer" onClick={showColorPicker} onMouseLeave={hideColorPicker} />
        )}
      </SeriesColorPicker>
    </span>
  );
}

/** The name of a series; a click shows only this series, a click with Ctrl or Shift adds or removes it. */
function Name({ row: { name, drawn, hidden } }: { row: LegendRow }) {
  const styles = useStyles2(getStyles);
  const { onToggleSeriesVisibility } = usePanelContext();
  const toggle = (event: MouseEvent) =>
    onToggleSeriesVisibility?.(
      name,
      event.ctrlKey || event.metaKey || event.shiftKey ? SeriesVisibilityChangeMode.AppendToSelection : SeriesVisibilityChangeMode.ToggleSelection
    );
  const title = drawn || hidden ? name : `${name}: not among the ${mostSeries} that are drawn; a click shows it alone`;
  return (
    <button type="button" className={styles.name} title={title} onClick={toggle}>
      {name}
    </button>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  scroller: css({ overflow: 'auto', fontSize: theme.typography.bodySmall.fontSize, position: 'relative' }),
  row: css({
    display: 'grid',
    alignItems: 'center',
    height: rowHeight,
    padding: theme.spacing(0, 1),
    columnGap: theme.spacing(1),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    '&:hover': { background: theme.colors.action.hover },
  }),
  item: css({ display: 'flex', alignItems: 'center', height: rowHeight, gap: theme.spacing(1), padding: theme.spacing(0, 1), overflow: 'hidden' }),
  placed: css({ position: 'absolute', left: 0, right: 0 }),
  head: css({ position: 'sticky', top: 0, zIndex: 1, background: theme.colors.background.primary }),
  hidden: css({ '&, button': { color: theme.colors.text.disabled } }),
  value: css({ textAlign: 'right', whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis' }),
  name: css({
    fontSize: 'inherit',
    background: 'none',
    border: 'none',
    padding: 0,
    minWidth: 0,
    textAlign: 'left',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    userSelect: 'text',
  }),
  sort: css({
    fontSize: 'inherit',
    background: 'none',
    border: 'none',
    padding: 0,
    width: '100%',
    textAlign: 'inherit',
    whiteSpace: 'nowrap',
    color: theme.colors.text.link,
  }),
});
