import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { sceneGraph, SceneGridRow, type SceneComponentProps } from '@grafana/scenes';
import { Icon, useStyles2 } from '@grafana/ui';

import { idOf } from '../edit/movements';
import { DashboardBase } from './DashboardBase';
import { RowMenu } from './RowMenu';

/** A row whose title is a heading with a level, which the library's row lacks. */
export class DashboardRow extends SceneGridRow {
  static Component = DashboardRowView;
}

function DashboardRowView({ model }: SceneComponentProps<SceneGridRow>) {
  const { isCollapsed, title, children, key, repeatSourceKey } = model.useState();
  const grid = model.getGridLayout();
  const { isDraggable } = grid.useState();
  const dashboard = sceneGraph.getAncestor(model, DashboardBase);
  const styles = useStyles2(getStyles);
  const text = sceneGraph.interpolate(model, title, undefined, 'text');
  const count = model.getPanelCount(children);
  return (
    <div className={styles.row}>
      <h2 className={styles.heading}>
        <button
          type="button"
          className={styles.title}
          onClick={model.onCollapseToggle}
          aria-expanded={!isCollapsed}
          aria-label={`${isCollapsed ? 'Expand' : 'Collapse'} row with title ${text}`}
        >
          <Icon name={isCollapsed ? 'angle-right' : 'angle-down'} /> <span>{text}</span>
        </button>
      </h2>
      {isCollapsed && (
        <span className={styles.count}>
          ({count} {count === 1 ? 'panel' : 'panels'})
        </span>
      )}
      {isDraggable && !repeatSourceKey && (
        <>
          <RowMenu dashboard={dashboard} id={idOf(key ?? '')} />
          {isCollapsed && (
            <div className={cx(styles.handle, grid.getDragClass())} data-testid="row-handle">
              <Icon name="draggabledots" />
            </div>
          )}
        </>
      )}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  row: css({ display: 'flex', width: '100%', height: 30, alignItems: 'center', gap: theme.spacing(1), minWidth: 0 }),
  heading: css({ margin: 0, minWidth: 0, lineHeight: 1 }),
  title: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    maxWidth: '100%',
    background: 'transparent',
    border: 'none',
    fontSize: theme.typography.h5.fontSize,
    fontWeight: theme.typography.fontWeightMedium,
    span: { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  }),
  handle: css({
    display: 'flex',
    flex: '1 1 auto',
    justifyContent: 'flex-end',
    alignSelf: 'stretch',
    alignItems: 'center',
    cursor: 'move',
    color: theme.colors.text.secondary,
    '&:hover': { color: theme.colors.text.primary },
  }),
  count: css({ color: theme.colors.text.secondary, fontStyle: 'italic' }),
});
