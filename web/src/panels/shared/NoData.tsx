import { css, cx } from '@emotion/css';
import { LoadingState, type GrafanaTheme2, type PanelData } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

/** Message in the middle of an empty panel; if a query failed, it gives the reason. */
export function NoData({ text = 'No data', data, failure }: { text?: string; data?: PanelData; failure?: string }) {
  const { style, failed } = useStyles2(getStyles);
  if (data?.state === LoadingState.Loading) {
    return null;
  }
  const error = failure ?? data?.errors?.map((e) => e.message ?? e.data?.message).find(Boolean);
  return (
    <div className={cx(style, error && failed)} role={error ? 'alert' : undefined} data-testid="no-data">
      {error ?? text}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  style: css({
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    width: '100%',
    height: '100%',
    textAlign: 'center',
    overflow: 'auto',
    overflowWrap: 'anywhere',
    color: theme.colors.text.secondary,
    fontSize: theme.typography.size.md,
  }),
  failed: css({ color: theme.colors.error.text }),
});
