import { useStyles2 } from '@grafana/ui';

import { address } from '../runtime/backendSrv';
import { getStyles } from './parts';

/** References to documentation pages in server messages, with an optional anchor. */
const document = /(docs\/[a-z]+\.md(?:#[\w-]+)?)/;

/** The URL of a documentation page: "alerting", or "secure#users". */
export const docsAddress = (page = '') => address(`/docs/${page}`);

export const runbooksAddress = () => address('/runbooks/');

/** Text in which docs/NAME.md is a link to that page. */
export function DocLinks({ text }: { text: string }) {
  const styles = useStyles2(getStyles);
  return (
    <>
      {text.split(document).map((piece, i) =>
        document.test(piece) ? (
          <a key={i} className={styles.link} href={docsAddress(piece.replace('docs/', '').replace('.md', ''))}>
            {piece}
          </a>
        ) : (
          piece
        )
      )}
    </>
  );
}
