import { css } from '@emotion/css';
import { LoadingState } from '@grafana/data';
import { ControlsLabel, dataLayers, SceneDataLayerSet, type SceneDataLayerProvider } from '@grafana/scenes';

import type { DashboardBase } from './DashboardBase';

/** A toggle for each annotation query that is not hidden. */
export function AnnotationControls({ dashboard }: { dashboard: DashboardBase }) {
  const set = dashboard.state.$data;
  return set instanceof SceneDataLayerSet ? set.state.layers.map((layer) => <Control key={layer.state.key} layer={layer} />) : null;
}

function Control({ layer }: { layer: SceneDataLayerProvider }) {
  const { data, isHidden, name } = layer.useState();
  if (isHidden || !(layer instanceof dataLayers.AnnotationsDataLayer)) {
    return null;
  }
  const id = `data-layer-${layer.state.key}`;
  return (
    <div className={css({ display: 'flex' })}>
      <ControlsLabel
        htmlFor={id}
        label={name}
        isLoading={data?.state === LoadingState.Loading}
        onCancel={() => layer.cancelQuery?.()}
        error={data?.errors?.[0]?.message}
      />
      <layer.Component model={layer} />
    </div>
  );
}
