import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

/** Stands in the middle of a panel that has nothing to show. */
export function NoData({ text = 'No data' }: { text?: string }) {
  return <div className={useStyles2(styles)}>{text}</div>;
}

const styles = (theme: GrafanaTheme2) =>
  css({
    display: 'flex', alignItems: 'center', justifyContent: 'center', width: '100%', height: '100%', textAlign: 'center',
    color: theme.colors.text.secondary, fontSize: theme.typography.h4.fontSize,
  });
