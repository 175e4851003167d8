import type { DataFrame, DataQueryRequest, DataQueryResponse } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { getDataSourceSrv, getTemplateSrv } from '@grafana/runtime';
import { from, switchMap, type Observable } from 'rxjs';

import { askServer, isServerSide, panelFacts } from './server';

/** The uid and the type of the expression data source; old dashboards use the number. */
const uids = new Set(['__expr__', '-100']);

export function isExpression(target: DataQuery): boolean {
  const ref: { uid?: string; type?: string } | string | null | undefined = target.datasource;
  return typeof ref === 'string' ? uids.has(ref) : uids.has(ref?.uid ?? '') || ref?.type === '__expr__';
}

/** Runs the queries of a panel that has expressions; the server evaluates them with the results of the other queries. */
export function askWithExpressions(request: DataQueryRequest): Observable<DataQueryResponse> {
  return from(prepare(request)).pipe(
    switchMap(({ queries, finishers }) => askServer(request, queries, (frame) => finishers.get(frame.refId ?? '')?.(frame) ?? frame))
  );
}

async function prepare(request: DataQueryRequest) {
  const finishers = new Map<string, (frame: DataFrame) => DataFrame>();
  const queries = await Promise.all(
    request.targets.map(async (target): Promise<DataQuery | undefined> => {
      if (isExpression(target)) {
        return expression(target, request);
      }
      const datasource = await getDataSourceSrv().get(target.datasource, request.scopedVars);
      if (!isServerSide(datasource)) {
        throw new Error(`query ${target.refId}: expressions cannot compute with the data source ${datasource.name}`);
      }
      if (datasource.finish) {
        finishers.set(target.refId, (frame) => datasource.finish!(frame));
      }
      return datasource.serverQuery(target, request);
    })
  );
  return { queries: queries.filter((q) => q !== undefined), finishers };
}

/** Formulas may contain dashboard variables; the refIds in them are not variables. */
function expression(target: DataQuery & { expression?: string; window?: string }, request: DataQueryRequest): DataQuery {
  const templates = getTemplateSrv();
  return {
    ...target,
    ...panelFacts(request),
    ...(target.expression !== undefined && { expression: templates.replace(target.expression, request.scopedVars) }),
    ...(target.window !== undefined && { window: templates.replace(target.window, request.scopedVars) }),
  } as DataQuery;
}
