import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { sceneGraph, SceneGridRow, type SceneComponentProps } from '@grafana/scenes';
import { Icon, useStyles2 } from '@grafana/ui';

/** A row whose title is a heading of the page, with the level that the library's own leaves out. */
export class DashboardRow extends SceneGridRow {
  static Component = DashboardRowView;
}

function DashboardRowView({ model }: SceneComponentProps<SceneGridRow>) {
  const { isCollapsed, title, children } = model.useState();
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
  count: css({ color: theme.colors.text.secondary, fontStyle: 'italic' }),
});
