import type { QueryResultMetaNotice } from '@grafana/data';
import { sceneGraph, SceneObjectBase, type SceneComponentProps, type SceneObjectState } from '@grafana/scenes';
import { Icon, PanelChrome, Tooltip } from '@grafana/ui';

/** Signs in a panel's header for what the answers of its queries want to say. */
export class PanelNotices extends SceneObjectBase<SceneObjectState> {
  static Component = PanelNoticesView;
}

function PanelNoticesView({ model }: SceneComponentProps<PanelNotices>) {
  const { data } = sceneGraph.getData(model).useState();
  const notices = new Map<string, QueryResultMetaNotice>();
  for (const frame of data?.series ?? []) {
    for (const notice of frame.meta?.notices ?? []) {
      notices.set(notice.text, notice);
    }
  }
  return (
    <>
      {[...notices.values()].map((notice) => (
        <Tooltip content={notice.text} key={notice.text}>
          <PanelChrome.TitleItem>
            <Icon name={notice.severity === 'info' ? 'info-circle' : 'exclamation-triangle'} aria-label={notice.text} />
          </PanelChrome.TitleItem>
        </Tooltip>
      ))}
    </>
  );
}
