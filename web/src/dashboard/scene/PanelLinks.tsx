import { textUtil, type DataLink } from '@grafana/data';
import { sceneGraph, SceneObjectBase, type SceneComponentProps, type SceneObjectState } from '@grafana/scenes';
import { Dropdown, Icon, Menu, PanelChrome } from '@grafana/ui';
import type { DashboardLink } from '@grafana/schema';

import { address } from '../../runtime/backendSrv';

interface PanelLinksState extends SceneObjectState {
  links: Array<DashboardLink | DataLink>;
}

/** The links in a panel header. */
export class PanelLinks extends SceneObjectBase<PanelLinksState> {
  static Component = PanelLinksView;
}

function PanelLinksView({ model }: SceneComponentProps<PanelLinks>) {
  const { links } = model.useState();
  const menu = () => (
    <Menu>
      {links.map((link, i) => {
        const url = textUtil.sanitizeUrl(sceneGraph.interpolate(model, link.url ?? '', undefined, 'percentencode'));
        const blank = link.targetBlank ?? false;
        return (
          <Menu.Item
            key={i}
            label={sceneGraph.interpolate(model, link.title || url, undefined, 'text')}
            url={url.startsWith('/') ? address(url) : url}
            target={blank ? '_blank' : '_self'}
            icon="external-link-alt"
          />
        );
      })}
    </Menu>
  );
  return (
    <Dropdown overlay={menu}>
      <PanelChrome.TitleItem>
        <Icon name="external-link-alt" aria-label="Panel links" />
      </PanelChrome.TitleItem>
    </Dropdown>
  );
}
