import { DataSourceApi, LoadingState, type DataQueryRequest, type DataQueryResponse, type DataSourceInstanceSettings } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { sceneGraph, SceneDataTransformer, VizPanel, type SceneDataProvider, type SceneObject } from '@grafana/scenes';
import { filter, map, Observable, throwError } from 'rxjs';

/** A query for another panel's result. */
interface DashboardQuery extends DataQuery {
  panelId?: number;
  /** Use the other panel's data after its transformations. */
  withTransforms?: boolean;
}

/** The data of another panel of the same dashboard. */
export class DashboardDatasource extends DataSourceApi<DashboardQuery> {
  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
  }

  query(request: DataQueryRequest<DashboardQuery>): Observable<DataQueryResponse> {
    const query = request.targets[0];
    const asking = (request.scopedVars.__sceneObject?.value as { valueOf(): SceneObject } | undefined)?.valueOf();
    if (!query?.panelId || !asking) {
      return throwError(() => new Error('choose the panel whose result is to be shown'));
    }
    const source = findPanel(asking.getRoot(), query.panelId);
    if (!source) {
      return throwError(() => new Error(`panel ${query.panelId} is not on this dashboard`));
    }
    const provider = dataOf(source, query.withTransforms ?? false);
    return new Observable<DataQueryResponse>((subscriber) => {
      // A panel that is out of view or in a collapsed row has no width, and without one it does not query.
      if (!provider.state.data) {
        provider.setContainerWidth?.(500);
        provider.bypassIsInViewChanged?.(true);
      }
      const deactivate = provider.activate();
      const subscription = provider.getResultsStream!()
        .pipe(
          filter(({ data }) => data.state !== LoadingState.NotStarted),
          map(({ data }) => ({ key: `panel-${query.panelId}`, data: data.series, state: data.state, errors: data.errors }))
        )
        .subscribe(subscriber);
      return () => {
        subscription.unsubscribe();
        deactivate();
      };
    });
  }

  async testDatasource() {
    return { status: 'success', message: '' };
  }
}

function findPanel(root: SceneObject, id: number): VizPanel | undefined {
  const found = sceneGraph.findObject(root, (o) => o instanceof VizPanel && o.state.key === `panel-${id}`);
  return found instanceof VizPanel ? found : undefined;
}

function dataOf(panel: VizPanel, transformed: boolean): SceneDataProvider {
  const data = sceneGraph.getData(panel);
  return !transformed && data instanceof SceneDataTransformer && data.state.$data ? data.state.$data : data;
}
