import { css } from '@emotion/css';
import { formattedValueToString, getValueFormat, type GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

const secondsText = getValueFormat('s');

/** The size of the result and how long the query took. */
export function Stats({ series, points, seconds, unit = 'points' }: { series?: number; points?: number; seconds: number; unit?: string }) {
  const style = useStyles2((theme: GrafanaTheme2) => css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }));
  const parts = [
    ...(series === undefined ? [] : [`${series.toLocaleString()} series`]),
    ...(points === undefined ? [] : [`${points.toLocaleString()} ${unit}`]),
    formattedValueToString(secondsText(seconds, 2)),
  ];
  return (
    <span className={style} data-testid="stats">
      {parts.join(' · ')}
    </span>
  );
}
