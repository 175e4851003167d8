import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';

import { address } from '../runtime/backendSrv';

/** References to documentation pages in server messages, with an optional anchor. */
const document = /(docs\/[a-z-]+\.md(?:#[\w-]+)?)/;

/** The URL of a documentation page: "alerting", or "secure#users". */
export const docsAddress = (page = '') => address(`/docs/${page}`);

export const runbooksAddress = () => address('/runbooks/');

/** A link within a text to a documentation page. */
export function DocLink({ page, children }: { page: string; children: ReactNode }) {
  const styles = useStyles2(getStyles);
  return (
    <a className={styles.link} href={docsAddress(page)}>
      {children}
    </a>
  );
}

/** Text in which docs/NAME.md is a link to that page. */
export function DocLinks({ text }: { text: string }) {
  return (
    <>
      {text.split(document).map((piece, i) =>
        document.test(piece) ? (
          <DocLink key={i} page={piece.replace('docs/', '').replace('.md', '')}>
            {piece}
          </DocLink>
        ) : (
          piece
        )
      )}
    </>
  );
}

// Underlined, because a link within a text must not be recognizable by its color alone.
const getStyles = (theme: GrafanaTheme2) => ({
  link: css({ color: theme.colors.text.link, textDecoration: 'underline' }),
});
