import type { DataTransformerInfo } from '@grafana/data';

import { extractFields } from './extractFields';
import { configFromData, rowsToFields } from './fromData';
import { heatmap } from './heatmap';
import { joinByLabels } from './joinByLabels';
import { partitionByValues } from './partitionByValues';
import { prepareTimeSeries } from './prepareTimeSeries';
import { regression } from './regression';
import { timeSeriesTable } from './timeSeriesTable';

/** Grafana's transformations that are missing in its published libraries. */
export const transformations = [
  extractFields,
  rowsToFields,
  configFromData,
  prepareTimeSeries,
  partitionByValues,
  joinByLabels,
  timeSeriesTable,
  regression,
  heatmap,
] as DataTransformerInfo[];
