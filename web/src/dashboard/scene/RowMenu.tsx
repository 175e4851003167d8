import { Button, ConfirmModal, Dropdown, Field, IconButton, Input, Menu, Modal } from '@grafana/ui';
import { useState } from 'react';

import { removeRow } from '../edit/hands';
import { rowCollapsed, rowMoved, rowRenamed } from '../edit/movements';
import { findPanelJson, sectionsOf } from '../model';
import type { DashboardBase } from './DashboardBase';

interface Props {
  dashboard: DashboardBase;
  id: number;
}

/** The actions for a row. */
export function RowMenu({ dashboard, id }: Props) {
  const [dialog, setDialog] = useState<'rename' | 'delete'>();
  const title = findPanelJson(dashboard.state.model, id)?.title ?? '';
  const close = () => setDialog(undefined);
  // When the menu closes, it returns the focus to its button; a dialog that is already open would lose it.
  const open = (next: 'rename' | 'delete') => setTimeout(() => setDialog(next));
  return (
    <>
      <Dropdown overlay={() => <Items {...{ dashboard, id, open }} />} placement="bottom-start">
        <IconButton name="ellipsis-v" aria-label={`Menu of row ${title}`} />
      </Dropdown>
      {dialog === 'rename' && <Rename {...{ dashboard, id, title, close }} />}
      {dialog === 'delete' && <Delete {...{ dashboard, id, title, close }} />}
    </>
  );
}

function Items({ dashboard, id, open }: Props & { open: (dialog: 'rename' | 'delete') => void }) {
  const { model } = dashboard.state;
  const collapsed = findPanelJson(model, id)?.collapsed === true;
  const [up, down] = [rowMoved(model, id, -1), rowMoved(model, id, 1)];
  return (
    <Menu>
      <Menu.Item label="Rename" icon="edit" onClick={() => open('rename')} />
      <Menu.Item label="Move up" icon="arrow-up" disabled={up === model} onClick={() => dashboard.change(up, 'Move the row')} />
      <Menu.Item label="Move down" icon="arrow-down" disabled={down === model} onClick={() => dashboard.change(down, 'Move the row')} />
      <Menu.Item
        label={collapsed ? 'Expand when the dashboard opens' : 'Collapse when the dashboard opens'}
        icon={collapsed ? 'angle-down' : 'angle-right'}
        onClick={() => dashboard.change(rowCollapsed(model, id, !collapsed), collapsed ? 'Open the row' : 'Close the row')}
      />
      <Menu.Divider />
      <Menu.Item label="Delete" icon="trash-alt" destructive onClick={() => open('delete')} />
    </Menu>
  );
}

interface DialogProps extends Props {
  title: string;
  close: () => void;
}

function Rename({ dashboard, id, title, close }: DialogProps) {
  const [name, setName] = useState(title);
  const rename = () => {
    if (name !== title) {
      dashboard.change(rowRenamed(dashboard.state.model, id, name), 'Rename the row');
    }
    close();
  };
  return (
    <Modal title="Rename the row" isOpen onDismiss={close}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          rename();
        }}
      >
        <Field label="Title" htmlFor="row-title">
          <Input id="row-title" autoFocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
        </Field>
        <Modal.ButtonRow>
          <Button variant="secondary" onClick={close} type="button">
            Cancel
          </Button>
          <Button type="submit">Rename</Button>
        </Modal.ButtonRow>
      </form>
    </Modal>
  );
}

function Delete({ dashboard, id, title, close }: DialogProps) {
  const count = sectionsOf(dashboard.state.model.panels ?? []).find((section) => section.row?.id === id)?.panels.length ?? 0;
  const remove = (withPanels: boolean) => {
    close();
    removeRow(dashboard, id, withPanels);
  };
  const [body, confirm] =
    count === 0
      ? [`“${title}” has no panels.`, 'Delete the row']
      : [`“${title}” has ${count === 1 ? 'one panel' : `${count} panels`}.`, `Delete it and its ${count === 1 ? 'panel' : 'panels'}`];
  return (
    <ConfirmModal
      isOpen
      title="Delete the row"
      body={body}
      confirmText={confirm}
      alternativeText={count > 0 ? 'Delete the row only' : undefined}
      onAlternative={() => remove(false)}
      onConfirm={() => remove(true)}
      onDismiss={close}
    />
  );
}
