import { PanelPlugin } from '@grafana/data';

import { UnknownPanel, type UnknownOptions } from './UnknownPanel';

/** For all panel types that are missing in the registry. */
export const plugin = new PanelPlugin<UnknownOptions>(UnknownPanel).useFieldConfig();
