import { textUtil } from '@grafana/data';
import { sceneGraph, sceneUtils } from '@grafana/scenes';
import type { DashboardLink } from '@grafana/schema';
import { Dropdown, LinkButton, Menu, ToolbarButton, type IconName } from '@grafana/ui';

import { dashboards } from '../../api/dashboards';
import { address } from '../../runtime/backendSrv';
import { useAsked } from '../../runtime/usePolled';
import type { DashboardBase } from './DashboardBase';
import { own } from '../../boot/own';

const icons: Record<string, IconName> = {
  'external link': 'external-link-alt',
  dashboard: 'apps',
  question: 'question-circle',
  info: 'info-circle',
  bolt: 'bolt',
  doc: 'file-alt',
  cloud: 'cloud',
};

/** The links of a dashboard: to a URL, or to all dashboards with certain tags. */
export function DashboardLinks({ dashboard }: { dashboard: DashboardBase }) {
  const { links = [] } = dashboard.state.model;
  return (
    <>
      {links.map((link, i) =>
        link.type === 'dashboards' ? <TaggedDashboards key={i} link={link} dashboard={dashboard} /> : <OneLink key={i} link={link} dashboard={dashboard} />
      )}
    </>
  );
}

function OneLink({ link, dashboard }: { link: DashboardLink; dashboard: DashboardBase }) {
  return (
    <LinkButton
      size="sm"
      variant="secondary"
      fill="outline"
      icon={own(icons, link.icon) ?? 'external-link-alt'}
      tooltip={link.tooltip || undefined}
      href={target(link, link.url ?? '', dashboard)}
      target={link.targetBlank ? '_blank' : undefined}
      rel="noopener noreferrer"
    >
      {sceneGraph.interpolate(dashboard, link.title, undefined, 'text')}
    </LinkButton>
  );
}

function TaggedDashboards({ link, dashboard }: { link: DashboardLink; dashboard: DashboardBase }) {
  const tags = link.tags ?? [];
  const { data } = useAsked(['tagged dashboards', tags], () => dashboards.search({ tag: tags, type: 'dash-db', limit: 100 }));
  const hits = (data ?? []).filter((hit) => hit.uid !== dashboard.state.model.uid);
  if (!link.asDropdown) {
    return hits.map((hit) => <OneLink key={hit.uid} link={{ ...link, title: hit.title, icon: 'dashboard', url: hit.url }} dashboard={dashboard} />);
  }
  const menu = () => (
    <Menu>
      {hits.map((hit) => (
        <Menu.Item key={hit.uid} label={hit.title} url={target(link, hit.url, dashboard)} target={link.targetBlank ? '_blank' : '_self'} />
      ))}
    </Menu>
  );
  return (
    <Dropdown overlay={menu}>
      <ToolbarButton icon="bars" variant="canvas">
        {link.title || 'Dashboards'}
      </ToolbarButton>
    </Dropdown>
  );
}

/** The URL of a link with the time range and variables that it keeps. */
function target(link: DashboardLink, url: string, dashboard: DashboardBase): string {
  const plain = textUtil.sanitizeUrl(sceneGraph.interpolate(dashboard, url, undefined, 'percentencode'));
  const params = new URLSearchParams();
  const state = sceneUtils.getUrlState(dashboard);
  for (const [name, value] of Object.entries(state)) {
    const keep = (link.keepTime && (name === 'from' || name === 'to')) || (link.includeVars && name.startsWith('var-'));
    for (const one of keep ? [value].flat() : []) {
      if (one !== null && one !== undefined) {
        params.append(name, String(one));
      }
    }
  }
  const query = params.toString();
  const full = query === '' ? plain : `${plain}${plain.includes('?') ? '&' : '?'}${query}`;
  return full.startsWith('/') ? address(full) : full;
}
