import type { Panel } from '@grafana/schema';

import { migrateDashboard } from './index';

/** Returns a panel after migration. */
export function migrate(panel: object, schemaVersion = 12): Panel {
  return migrateDashboard({ schemaVersion, panels: [{ id: 1, title: 'p', ...panel }] }).dashboard.panels![0] as Panel;
}
/** The graph-specific field options of a migrated panel. */
export const custom = (panel: object) => migrate({ type: 'graph', ...panel }).fieldConfig!.defaults.custom;
