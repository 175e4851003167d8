import type { DataFrame, QueryResultMetaNotice } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';
import { sceneGraph, SceneObjectBase, VizPanel, type SceneComponentProps, type SceneObjectState } from '@grafana/scenes';
import type { Panel } from '@grafana/schema';
import { Icon, PanelChrome, Tooltip } from '@grafana/ui';

import { tooMany } from '../../panels/shared/mostSeries';
import { unknownOptions, unknownParts } from './unknown';

interface PanelNoticesState extends SceneObjectState {
  /** The panel JSON of the dashboard. */
  panel: Panel;
}

/**
 * Icons in a panel header for everything that is ignored, replaced or approximated, and for notices in the responses to
 * its queries.
 */
export class PanelNotices extends SceneObjectBase<PanelNoticesState> {
  static Component = PanelNoticesView;

  private readonly parts = unknownParts(this.state.panel);

  /** Each notice once, in the order in which the data is processed. */
  collect(): QueryResultMetaNotice[] {
    const viz = this.parent;
    const plugin = viz instanceof VizPanel ? viz.getPlugin() : undefined;
    const { data } = sceneGraph.getData(this).state;
    const frames: DataFrame[] = [...(data?.series ?? []), ...(data?.annotations ?? [])];
    const many = tooMany(this.state.panel.type, data?.series ?? []);
    const all: QueryResultMetaNotice[] = [
      ...(many ? [{ severity: 'warning' as const, text: many }] : []),
      ...this.replacedSources(),
      ...frames.flatMap((frame) => frame.meta?.notices ?? []),
      ...this.parts,
      ...(plugin && plugin.meta.id === this.state.panel.type ? unknownOptions(this.state.panel, plugin) : []),
    ];
    return [...new Map(all.map((notice) => [notice.text, notice])).values()];
  }

  /** Missing data sources that are replaced by another one, whose response may have had no frame to carry the notice. */
  private replacedSources(): QueryResultMetaNotice[] {
    const targets = this.state.panel.targets ?? [];
    const refs = [this.state.panel.datasource, ...targets.map((t) => (t as { datasource?: unknown }).datasource)] as Array<
      { uid?: string; type?: string } | null | undefined
    >;
    return refs.flatMap((ref) => {
      const uid = ref?.uid && sceneGraph.interpolate(this, ref.uid, undefined, (value: unknown) => String([value].flat()[0] ?? ''));
      if (!uid || uid === 'default' || uid === '__expr__') {
        return [];
      }
      const found = getDataSourceSrv().getInstanceSettings({ ...ref, uid });
      return found && found.uid !== uid && found.name !== uid
        ? [{ severity: 'warning' as const, text: `Data source ${ref.uid} was not found: ${found.name} is used instead.` }]
        : [];
    });
  }
}

function PanelNoticesView({ model }: SceneComponentProps<PanelNotices>) {
  sceneGraph.getData(model).useState();
  (model.parent ?? model).useState();
  return (
    <>
      {model.collect().map((notice) => (
        <Tooltip content={notice.text} key={notice.text}>
          <PanelChrome.TitleItem>
            <Icon name={notice.severity === 'info' ? 'info-circle' : 'exclamation-triangle'} aria-label={notice.text} />
          </PanelChrome.TitleItem>
        </Tooltip>
      ))}
    </>
  );
}
