import type { PanelMenuItem } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { sceneGraph, VizPanel, VizPanelMenu } from '@grafana/scenes';

import { formatForQuery } from '../../datasources/prometheus/escape';
import { logsPath, selectorOf } from '../../links/related';
import { inputsOf, paramsOf, type QueryState } from '../../links/explore';
import { DashboardBase, type InspectTab } from './DashboardBase';
import { languageOf, nameOf, uidOf } from '../../links/sources';
import { copyPanel, duplicatePanel, removePanel } from '../edit/hands';
import { copyText, downloadCsv, downloadPicture, panelLink } from './panelActions';

/** The menu of a panel; its items are created when it is opened. */
export function buildMenu(): VizPanelMenu {
  return new VizPanelMenu({
    $behaviors: [
      (menu: VizPanelMenu) => {
        const panel = menu.parent;
        const dashboard = panel && sceneGraph.getAncestor(panel, DashboardBase);
        if (panel instanceof VizPanel && dashboard) {
          menu.setState({ items: items(panel, dashboard) });
        }
      },
    ],
  });
}

function items(panel: VizPanel, dashboard: DashboardBase): PanelMenuItem[] {
  const key = panel.state.key!;
  const { viewPanel } = dashboard.state;
  const inspect = (tab: InspectTab) => () => locationService.partial({ inspect: key, inspectTab: tab });
  const list: PanelMenuItem[] = [
    viewPanel
      ? { text: 'Back to dashboard', iconClassName: 'arrow-left', shortcut: 'v', onClick: () => locationService.partial({ viewPanel: null }) }
      : { text: 'View', iconClassName: 'eye', shortcut: 'v', onClick: () => locationService.partial({ viewPanel: key }) },
  ];
  if (dashboard.mayEdit) {
    list.push({
      text: 'Edit',
      iconClassName: 'edit',
      shortcut: 'e',
      onClick: () => locationService.partial({ editPanel: panel.state.repeatSourceKey ?? sourceKey(key), viewPanel: null }),
    });
  }
  list.push(...exploreItems(panel).items);
  list.push(
    {
      text: 'Inspect',
      iconClassName: 'info-circle',
      shortcut: 'i',
      onClick: inspect('data'),
      subMenu: [
        { text: 'Data', onClick: inspect('data') },
        { text: 'Query', onClick: inspect('query') },
        { text: 'Panel JSON', onClick: inspect('json') },
      ],
    },
    {
      text: 'Share',
      iconClassName: 'share-alt',
      onClick: () => copyText(panelLink(dashboard, key), 'Link copied'),
      subMenu: [
        { text: 'Copy link', shortcut: 'p u', onClick: () => copyText(panelLink(dashboard, key), 'Link copied') },
        { text: 'Download picture', onClick: () => downloadPicture(panel) },
        { text: 'Download CSV', onClick: () => downloadCsv(panel) },
      ],
    }
  );
  if (!dashboard.state.editPanel) {
    list.push(...handItems(key, dashboard));
  }
  return list;
}

/** Actions for the panel as a whole; on a copy they apply to its source panel. */
function handItems(key: string, dashboard: DashboardBase): PanelMenuItem[] {
  const copy: PanelMenuItem = { text: 'Copy', iconClassName: 'copy', shortcut: 'p c', onClick: () => copyPanel(dashboard, key) };
  if (!dashboard.mayEdit) {
    return [copy];
  }
  return [
    { text: 'Duplicate', iconClassName: 'file-copy-alt', shortcut: 'p d', onClick: () => duplicatePanel(dashboard, key) },
    copy,
    { text: '', type: 'divider' },
    { text: 'Remove', iconClassName: 'trash-alt', shortcut: 'p r', onClick: () => removePanel(dashboard, key) },
  ];
}

/** The Explore URL with the queries of a panel and its time range. */
export function exploreAddress(panel: VizPanel): string | undefined {
  return exploreItems(panel).address;
}

/** Links to Explore with the queries of a panel, and to the logs of the objects that they are about, for the same time range. */
function exploreItems(panel: VizPanel): { items: PanelMenuItem[]; address?: string } {
  const range = inputsOf(sceneGraph.getTimeRange(panel).state.value.raw);
  const { data } = sceneGraph.getData(panel).state;
  const queries = (data?.request?.targets ?? []).flatMap((target): QueryState[] => {
    const { expr, datasource } = target as { expr?: string; datasource?: { type?: string; uid?: string } };
    const uid = uidOf(panel.interpolate(datasource?.uid ?? '') || (datasource?.type === 'loki' ? 'loki' : ''));
    return expr ? [{ expr: panel.interpolate(expr, undefined, formatForQuery), tab: '0', source: uid ? nameOf(uid) : '', ...range }] : [];
  });
  const selector = selectorOf((data?.series ?? []).slice(0, 100).map((frame) => frame.fields.find((f) => f.labels)?.labels ?? {}));
  const items: PanelMenuItem[] = [];
  const address = queries.length > 0 ? `/explore?${paramsOf(queries).toString()}` : undefined;
  if (address) {
    items.push({ text: 'Explore', iconClassName: 'compass', shortcut: 'p x', onClick: () => locationService.push(address) });
  }
  if (selector && queries[0] && languageOf(queries[0]['source']) === 'promql') {
    items.push({ text: 'Logs', iconClassName: 'gf-logs', onClick: () => locationService.push(logsPath(selector, range, queries[0]!['expr'])) });
  }
  return { items, address };
}

/** Copies of a repeated panel are edited at their source. */
function sourceKey(key: string): string {
  return /^panel-\d+/.exec(key)?.[0] ?? key;
}
