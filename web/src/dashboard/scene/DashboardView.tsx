import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import type { SceneComponentProps } from '@grafana/scenes';
import { Alert, useStyles2 } from '@grafana/ui';
import { lazy, Suspense } from 'react';

import { AnnotationControls } from './AnnotationControls';
import { DashboardLinks } from './DashboardLinks';
import type { DashboardBase } from './DashboardBase';

const Inspector = lazy(() => import('../inspect/Inspector'));

/** The controls of a dashboard and its panels, or the single panel in full view. */
export function DashboardView({ model }: SceneComponentProps<DashboardBase>) {
  const { body, variables, timePicker, refreshPicker, viewPanel, inspect, kiosk, notices, model: json } = model.useState();
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.page} data-testid="dashboard" data-uid={json.uid}>
      <div className={kiosk ? styles.hidden : styles.controls} aria-label="Dashboard controls" role="group">
        <div className={styles.left}>
          <variables.Component model={variables} />
          <AnnotationControls dashboard={model} />
          <DashboardLinks dashboard={model} />
        </div>
        <div className={styles.right}>
          <timePicker.Component model={timePicker} />
          <refreshPicker.Component model={refreshPicker} />
        </div>
      </div>
      {notices.map((notice) => (
        <Alert key={notice} severity="warning" title={notice} className={styles.notice} />
      ))}
      {viewPanel ? <SinglePanel dashboard={model} panelKey={viewPanel} /> : <Grid body={body} />}
      {inspect && (
        <Suspense fallback={null}>
          <Inspector dashboard={model} panelKey={inspect} />
        </Suspense>
      )}
    </div>
  );
}

function Grid({ body }: { body: DashboardBase['state']['body'] }) {
  const { children } = body.useState();
  const styles = useStyles2(getStyles);
  if (children.length === 0) {
    return (
      <Alert severity="info" title="This dashboard has no panels yet">
        Choose “Add panel” at the top, paste a panel (Ctrl V), or paste a dashboard under “JSON”.
      </Alert>
    );
  }
  return (
    <div className={styles.body}>
      <body.Component model={body} />
    </div>
  );
}

function SinglePanel({ dashboard, panelKey }: { dashboard: DashboardBase; panelKey: string }) {
  const styles = useStyles2(getStyles);
  // Copies of repeated panels do not exist until their variables are loaded.
  dashboard.state.body.useState();
  const panel = dashboard.findPanel(panelKey);
  if (!panel) {
    return <Alert severity="warning" title={`This dashboard has no panel ${panelKey}`} />;
  }
  const Component = panel.Component;
  return (
    <div className={styles.single}>
      <Component model={panel} />
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', flexGrow: 1, padding: theme.spacing(0, 2, 2), minWidth: 0 }),
  hidden: css({ display: 'none' }),
  controls: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(1),
    padding: theme.spacing(1, 0),
    position: 'sticky',
    top: 'var(--bar, 0)',
    zIndex: theme.zIndex.activePanel,
    background: theme.colors.background.canvas,
    alignItems: 'flex-start',
    [theme.breakpoints.down('md')]: { position: 'static' },
  }),
  left: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), flex: '1 1 auto', alignItems: 'center' }),
  right: css({ display: 'flex', gap: theme.spacing(1), marginLeft: 'auto' }),
  notice: css({ marginBottom: theme.spacing(1) }),
  body: css({
    flexGrow: 1,
    display: 'flex',
    position: 'relative',
    // The resize handle is visible only on hover or focus.
    '@media (hover: hover)': {
      '.react-resizable-handle': { opacity: 0 },
      '.react-grid-item:is(:hover, :focus-within) .react-resizable-handle': { opacity: 1 },
    },
  }),
  single: css({ flexGrow: 1, position: 'relative', minHeight: 300, display: 'flex' }),
});
