import { Modal } from '@grafana/ui';

import { shortcuts } from './shortcuts';

export default function ShortcutHelp({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Keyboard shortcuts" isOpen onDismiss={onClose}>
      <table>
        <tbody>
          {shortcuts.map(({ keys, does }) => (
            <tr key={keys}>
              <td style={{ paddingRight: 24, whiteSpace: 'nowrap' }}>
                {keys.split(' ').map((key) => (
                  <kbd key={key} style={{ marginRight: 4 }}>
                    {key}
                  </kbd>
                ))}
              </td>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Modal>
  );
}
