import type { FieldDisplay, PanelProps } from '@grafana/data';
import { BarGaugeSizing } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import { VizRepeater, type VizRepeaterRenderValueProps } from '@grafana/ui';

import { LinkedValue } from '../shared/LinkedValue';
import { NoData } from '../shared/NoData';
import { hasNothing, reduceToDisplays } from '../shared/reduce';
import { Gauge } from './Gauge';

const autoSize = { minVizWidth: 75, minVizHeight: 75 };

export function GaugePanel(props: PanelProps<Options>) {
  const { width, height, data, options, renderCounter } = props;
  const manual = options.sizing === BarGaugeSizing.Manual;

  if (hasNothing(data)) {
    return <NoData data={data} text={props.fieldConfig.defaults.noValue || undefined} />;
  }

  const draw = ({ value, width, height, count }: VizRepeaterRenderValueProps<FieldDisplay>) => (
    <LinkedValue value={value}>
      {(link) => <Gauge value={value} width={width} height={height} options={options} showName={nameShown(value, count, options)} {...link} />}
    </LinkedValue>
  );

  return (
    <VizRepeater<FieldDisplay>
      getValues={() => reduceToDisplays(props, { sparkline: options.sparkline })}
      renderValue={draw}
      width={width}
      height={height}
      source={data}
      autoGrid={true}
      renderCounter={renderCounter}
      orientation={options.orientation}
      minVizWidth={manual ? options.minVizWidth : autoSize.minVizWidth}
      minVizHeight={manual ? options.minVizHeight : autoSize.minVizHeight}
    />
  );
}

function nameShown(value: FieldDisplay, count: number, options: Options): boolean {
  switch (options.textMode ?? 'auto') {
    case 'value':
    case 'none':
      return false;
    case 'auto':
      return count > 1 || Boolean(value.field.displayName);
    default:
      return true;
  }
}
