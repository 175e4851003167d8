import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { ClipboardButton, useStyles2 } from '@grafana/ui';

/** A single label as in a compose file. */
const label = /^[\w.]+\/[\w.-]+: \S+$/;

/** How to change the state of a container: a label to add or a sentence, with the necessary lines of a compose file, if any. */
export function Remedy({ text, lines }: { text: string | undefined; lines: string | undefined }) {
  const styles = useStyles2(getStyles);
  if (!text) {
    return null;
  }
  return (
    <div data-testid="remedy">
      {label.test(text) ? (
        <>
          Add to its labels: <code>{text}</code>
        </>
      ) : (
        text
      )}
      {lines && (
        <div className={styles.lines}>
          <pre tabIndex={0} aria-label="Lines of the compose file">
            {lines}
          </pre>
          <ClipboardButton icon="copy" variant="secondary" size="sm" getText={() => lines}>
            Copy
          </ClipboardButton>
        </div>
      )}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  lines: css({
    display: 'flex',
    gap: theme.spacing(1),
    alignItems: 'flex-start',
    marginTop: theme.spacing(1),
    '& pre': { margin: 0, flex: '0 1 480px', overflowX: 'auto' },
  }),
});
