import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

import type { View } from './view';

interface Props {
  view: Pick<View, 'palette' | 'min' | 'max' | 'formatCount'>;
  /** Count of the cell under the pointer. */
  hovered?: number;
}

/** The color scale from lowest to highest, with the count under the pointer. */
export function ColorScale({ view: { palette, min, max, formatCount }, hovered }: Props) {
  const style = useStyles2(styles);
  const stops = palette.map((color, i) => `${color} ${(i / palette.length) * 100}% ${((i + 1) / palette.length) * 100}%`).join(', ');
  const share = hovered === undefined ? undefined : max > min ? Math.min(1, Math.max(0, (hovered - min) / (max - min))) : 1;
  return (
    <div className={style.box} data-testid="color-scale">
      <div
        className={style.scale}
        style={{
          backgroundImage: palette.length > 1 ? `linear-gradient(90deg, ${stops})` : undefined,
          backgroundColor: palette.length === 1 ? palette[0] : undefined,
        }}
      >
        {share !== undefined && <div className={style.mark} style={{ left: `${share * 100}%` }} />}
      </div>
      <div className={style.legend}>
        <span>{formatCount(min)}</span>
        {share !== undefined && (
          <strong style={{ position: 'absolute', left: `${share * 100}%`, transform: `translateX(-${share * 100}%)` }} className={style.value}>
            {formatCount(hovered!)}
          </strong>
        )}
        <span>{formatCount(max)}</span>
      </div>
    </div>
  );
}

const styles = (theme: GrafanaTheme2) => ({
  box: css({
    width: '100%',
    maxWidth: 300,
    minWidth: 60,
    marginLeft: 'auto',
    marginRight: 'auto',
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.secondary,
    padding: '4px 8px',
  }),
  scale: css({ position: 'relative', height: 8, borderRadius: 2 }),
  mark: css({ position: 'absolute', top: -2, bottom: -2, width: 2, marginLeft: -1, background: theme.colors.text.primary }),
  legend: css({ position: 'relative', display: 'flex', justifyContent: 'space-between' }),
  value: css({ background: theme.colors.background.primary, color: theme.colors.text.primary, padding: '0 4px', whiteSpace: 'nowrap' }),
});
