import { css } from '@emotion/css';
import { LoadingState, type GrafanaTheme2, type PanelData } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

/** What a panel says when it has nothing to draw; a failed query says why in the panel. */
export function NoData({ text = 'No data', data }: { text?: string; data?: PanelData }) {
  const styles = useStyles2(getStyles);
  if (data?.state === LoadingState.Loading) {
    return null;
  }
  const error = data?.errors?.map((e) => e.message ?? e.data?.message).find(Boolean);
  return (
    <div className={styles} role={error ? 'alert' : undefined} data-testid="no-data">
      {error ?? text}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({ display: 'flex', alignItems: 'center', justifyContent: 'center', height: '100%', width: '100%', color: theme.colors.text.secondary, textAlign: 'center', overflow: 'auto', overflowWrap: 'anywhere' });
