import { useStyles2 } from '@grafana/ui';

import { address } from '../runtime/backendSrv';
import { getStyles } from './parts';

/** Documents that messages of the server name, with an anchor. */
const document = /(docs\/[a-z]+\.md(?:#[\w-]+)?)/;

/** The address of a page of the documentation: "alerting", or "secure#users". */
export const docsAddress = (page = '') => address(`/docs/${page}`);

export const runbooksAddress = () => address('/runbooks/');

/** A text in which docs/NAME.md is a link to that page. */
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
