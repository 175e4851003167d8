import { PanelPlugin } from '@grafana/data';

import { UnknownPanel, type UnknownOptions } from './UnknownPanel';

/** For every panel type that the registry does not have. */
export const plugin = new PanelPlugin<UnknownOptions>(UnknownPanel).useFieldConfig();
