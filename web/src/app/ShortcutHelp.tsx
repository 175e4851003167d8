import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Modal, useStyles2 } from '@grafana/ui';

import { shortcuts } from './shortcuts';

export default function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const styles = useStyles2(getStyles);
  return (
    <Modal title="Keyboard shortcuts" isOpen onDismiss={onClose}>
      <div className={styles.columns}>
        {shortcuts.map(({ title, list }) => (
          <section key={title} className={styles.section}>
            <h3 className={styles.title}>{title}</h3>
            <table>
              <tbody>
                {list.map(({ keys, does }) => (
                  <tr key={keys}>
                    <td className={styles.keys}>
                      {keys.split(' ').map((key, i) => (
                        <kbd key={i}>{key}</kbd>
                      ))}
                    </td>
                    <td>{does}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        ))}
      </div>
    </Modal>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  columns: css({ columnWidth: 280, columnGap: theme.spacing(4) }),
  section: css({ breakInside: 'avoid', marginBottom: theme.spacing(2) }),
  title: css({ fontSize: theme.typography.h5.fontSize }),
  keys: css({ minWidth: 110, paddingRight: theme.spacing(2), whiteSpace: 'nowrap', verticalAlign: 'top', kbd: { marginRight: 4 } }),
});
