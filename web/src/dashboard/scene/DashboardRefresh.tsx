import { SceneRefreshPicker, type SceneComponentProps } from '@grafana/scenes';
import { ButtonGroup, Dropdown, Menu, ToolbarButton } from '@grafana/ui';

/** Refreshes once or at an interval. The library's buttons have no accessible name, or one that differs from their text. */
export class DashboardRefresh extends SceneRefreshPicker {
  static Component = DashboardRefreshView;
}

function DashboardRefreshView({ model }: SceneComponentProps<SceneRefreshPicker>) {
  const { refresh, intervals = [] } = model.useState();
  const menu = (
    <Menu>
      {['', ...intervals].map((interval) => (
        <Menu.Item key={interval} label={interval || 'Off'} active={interval === refresh} onClick={() => model.onIntervalChanged(interval)} />
      ))}
    </Menu>
  );
  return (
    <ButtonGroup>
      <ToolbarButton icon="sync" variant="canvas" aria-label="Refresh" tooltip="Refresh" onClick={model.onRefresh} />
      <Dropdown overlay={menu} placement="bottom-end">
        {refresh ? (
          <ToolbarButton variant="canvas" isOpen={false}>
            {refresh}
          </ToolbarButton>
        ) : (
          <ToolbarButton variant="canvas" isOpen={false} aria-label="Auto-refresh interval" />
        )}
      </Dropdown>
    </ButtonGroup>
  );
}
