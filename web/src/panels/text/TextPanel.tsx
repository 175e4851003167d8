import { css, cx } from '@emotion/css';
import type { GrafanaTheme2, PanelProps } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import { useStyles2 } from '@grafana/ui';

import { useMade } from '../../runtime/hooks';
import { tameForeign } from '../shared/foreign';
import { renderText } from './render';

export function TextPanel({ options, replaceVariables, height }: PanelProps<Options>) {
  const styles = useStyles2(getStyles);
  const rendered = renderText(options, replaceVariables);
  // The result depends on the values of variables, so compare it rather than its inputs.
  const html = rendered.kind === 'html' ? rendered.html : undefined;
  const inner = useMade(() => (html === undefined ? undefined : { __html: html }), html);
  if (rendered.kind === 'code') {
    const lines = options.code?.showLineNumbers === true;
    return (
      <pre className={cx(styles.code, lines && styles.numbered)} style={{ height }} tabIndex={0}>
        {lines ? rendered.text.split('\n').map((line, i) => <span key={i}>{`${line}\n`}</span>) : rendered.text}
      </pre>
    );
  }
  // Sanitized by renderText.
  return (
    <div key={rendered.html} ref={tameForeign} className={cx('markdown-html', styles.html)} style={{ height }} tabIndex={0} dangerouslySetInnerHTML={inner} />
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  html: css({
    overflow: 'auto',
    overflowWrap: 'anywhere',
    '& img': { maxWidth: '100%' },
    '& table': { borderCollapse: 'collapse', marginBottom: theme.spacing(2) },
    '& th, & td': { padding: theme.spacing(0.5, 1), border: `1px solid ${theme.colors.border.weak}` },
    '& > :first-child': { marginTop: 0 },
    '& > :last-child': { marginBottom: 0 },
  }),
  code: css({
    overflow: 'auto',
    margin: 0,
    padding: theme.spacing(1),
    border: 'none',
    whiteSpace: 'pre',
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    background: theme.colors.background.canvas,
  }),
  numbered: css({
    counterReset: 'line',
    '& span::before': {
      counterIncrement: 'line',
      content: 'counter(line)',
      display: 'inline-block',
      width: '3em',
      marginRight: '1em',
      textAlign: 'right',
      color: theme.colors.text.disabled,
      userSelect: 'none',
    },
  }),
});
