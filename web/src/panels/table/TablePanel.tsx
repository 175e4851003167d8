import { useMemo } from 'react';
import { css } from '@emotion/css';
import { cacheFieldDisplayNames, FieldType, getFrameDisplayName, type DataFrame, type PanelProps } from '@grafana/data';
import type { TableOptions } from '@grafana/schema';
import { Combobox, usePanelContext } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

import { NoData } from '../shared/NoData';
import { withColumnWidth } from './columnWidth';

const pickerHeight = 40;

export function TablePanel(props: PanelProps<TableOptions>) {
  const { data, width, height, options, fieldConfig, onOptionsChange, onFieldConfigChange, timeRange, transparent } = props;
  const { onAddAdHocFilter } = usePanelContext();
  const frames = useMemo(() => {
    // TableNG finds columns by the names that this caches in the fields.
    cacheFieldDisplayNames(data.series);
    return data.series;
  }, [data.series]);
  const index = Math.min(Math.max(0, options.frameIndex ?? 0), Math.max(0, frames.length - 1));
  const frame = frames[index];
  if (frame === undefined || frame.fields.length === 0) {
    return <NoData text={fieldConfig.defaults.noValue || undefined} data={data} />;
  }
  const pick = frames.length > 1 && !frame.fields.some((field) => field.type === FieldType.nestedFrames);
  const table = (
    <TableNG
      data={frame}
      width={width}
      height={pick ? height - pickerHeight : height}
      noHeader={options.showHeader === false}
      showTypeIcons={options.showTypeIcons}
      resizable={true}
      sortBy={options.sortBy}
      onSortByChange={(sortBy) => onOptionsChange({ ...options, sortBy })}
      onColumnResize={(name, columnWidth) => onFieldConfigChange(withColumnWidth(fieldConfig, name, columnWidth))}
      onCellFilterAdded={onAddAdHocFilter}
      frozenColumns={options.frozenColumns?.left}
      enablePagination={options.enablePagination}
      pageSize={options.pageSize}
      cellHeight={options.cellHeight}
      maxRowHeight={options.maxRowHeight}
      timeRange={timeRange}
      fieldConfig={fieldConfig}
      structureRev={data.structureRev}
      transparent={transparent}
      noValue={fieldConfig.defaults.noValue}
      disableSanitizeHtml={false}
      disableKeyboardEvents={options.disableKeyboardEvents}
      initialRowIndex={undefined}
    />
  );
  if (!pick) {
    return table;
  }
  return (
    <div className={layout}>
      {table}
      <div className={picker}>
        <Combobox
          aria-label="Table"
          value={String(index)}
          options={frames.map((each, i) => ({ value: String(i), label: frameName(each, i) }))}
          onChange={(choice) => onOptionsChange({ ...options, frameIndex: Number(choice.value) })}
        />
      </div>
    </div>
  );
}

function frameName(frame: DataFrame, index: number): string {
  return getFrameDisplayName(frame, index) || `Table ${index + 1}`;
}

const layout = css({ display: 'flex', flexDirection: 'column', height: '100%' });
const picker = css({ paddingTop: 8, height: pickerHeight });
