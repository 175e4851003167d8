import type { Panel } from '@grafana/schema';

import { migrateDashboard } from './index';

/** A panel as it is after its migration. */
export function migrate(panel: object, schemaVersion = 12): Panel {
  return migrateDashboard({ schemaVersion, panels: [{ id: 1, title: 'p', ...panel }] }).dashboard.panels![0] as Panel;
}
/** What a graph has for drawing its fields. */
export const custom = (panel: object) => migrate({ type: 'graph', ...panel }).fieldConfig!.defaults.custom;
