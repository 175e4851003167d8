import type { AnnotationQuery as GrafanaAnnotationQuery } from '@grafana/data';
import type { AnnotationQuery, Dashboard } from '@grafana/schema';
import { dataLayers, type SceneDataLayerProvider } from '@grafana/scenes';

import { refOf } from './datasourceRef';

/** A layer for each annotation query of a dashboard; the built-in one shows stored annotations. */
export function buildAnnotations(model: Dashboard): SceneDataLayerProvider[] {
  return (model.annotations?.list ?? []).map((annotation, i) => {
    const { name, enable, hide, iconColor } = annotation;
    const builtIn = isBuiltIn(annotation);
    return new dataLayers.AnnotationsDataLayer({
      key: `annotations-${i}`,
      name: name || `Annotations ${i + 1}`,
      isEnabled: Boolean(enable),
      // Grafana shows no toggle for the built-in layer as long as nothing is stored in it.
      isHidden: Boolean(hide) || builtIn,
      query: {
        ...annotation,
        name,
        enable: Boolean(enable),
        iconColor: iconColor || 'red',
        datasource: builtIn ? { type: 'grafana', uid: 'grafana' } : refOf(annotation.datasource as AnnotationQuery['datasource']),
      } as GrafanaAnnotationQuery,
    });
  });
}

function isBuiltIn(annotation: AnnotationQuery): boolean {
  const { uid } = (annotation.datasource ?? {}) as { uid?: string };
  return annotation.builtIn === 1 || uid === '-- Grafana --' || uid === 'grafana' || (annotation.datasource as unknown) === '-- Grafana --';
}
