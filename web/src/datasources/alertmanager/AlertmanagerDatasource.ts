import { DataSourceApi, FieldType, type DataQueryRequest, type DataQueryResponse, type DataSourceInstanceSettings } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';

/** An alert as returned by /api/v2/alerts. */
export interface GettableAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  status: { state: string; silencedBy: string[]; inhibitedBy: string[] };
}

/** An Alertmanager: its active alerts as a table. */
export class AlertmanagerDatasource extends DataSourceApi {
  private readonly url: string;

  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
    this.url = settings.url ?? `/api/datasources/proxy/uid/${settings.uid}`;
  }

  alerts(): Promise<GettableAlert[]> {
    return getBackendSrv().get<GettableAlert[]>(`${this.url}/api/v2/alerts`, undefined, undefined, { showErrorAlert: false });
  }

  async query(request: DataQueryRequest): Promise<DataQueryResponse> {
    const alerts = await this.alerts();
    const text = (name: string, values: string[]) => ({ name, type: FieldType.string, config: {}, values });
    return {
      data: [
        {
          refId: request.targets[0]?.refId,
          length: alerts.length,
          fields: [
            { name: 'Since', type: FieldType.time, config: {}, values: alerts.map((a) => Date.parse(a.startsAt)) },
            text(
              'alertname',
              alerts.map((a) => a.labels['alertname'] ?? '')
            ),
            text(
              'severity',
              alerts.map((a) => a.labels['severity'] ?? '')
            ),
            text(
              'state',
              alerts.map((a) => a.status.state)
            ),
            text(
              'summary',
              alerts.map((a) => a.annotations['summary'] ?? '')
            ),
          ],
        },
      ],
    };
  }

  async testDatasource() {
    await getBackendSrv().get(`${this.url}/api/v2/status`);
    return { status: 'success', message: 'Health check passed.' };
  }
}
