import type { GrafanaTheme2 } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import { getTextColorForBackground, measureText } from '@grafana/ui';

import { LinkedValue } from '../shared/LinkedValue';
import { labelFits, labelPoint, slicePath, slicesOf, type Slice } from './slices';
import { labelLines, type Entry } from './values';

interface Props {
  entries: Entry[];
  total: number;
  width: number;
  height: number;
  options: Options;
  theme: GrafanaTheme2;
  active: Entry | undefined;
  onHover: (entry: Entry | undefined, event?: React.MouseEvent) => void;
}

const hole = 0.6;
const margin = 8;

export function Pie({ entries, total, width, height, options, theme, active, onHover }: Props) {
  const radius = Math.max(1, Math.min(width, height) / 2 - margin);
  const inner = options.pieType === 'donut' ? radius * hole : 0;
  const slices = slicesOf(entries.map((entry) => entry.value));
  return (
    <svg width={width} height={height} role="img" aria-label={entries.map((entry) => entry.name).join(', ')} style={{ display: 'block' }}>
      <g transform={`translate(${width / 2} ${height / 2})`}>
        {slices.length === 0 && (
          <circle
            r={inner > 0 ? (radius + inner) / 2 : radius / 2}
            fill="none"
            stroke={theme.colors.action.hover}
            strokeWidth={inner > 0 ? radius - inner : radius}
          />
        )}
        {slices.map((slice) => {
          const entry = entries[slice.index]!;
          return (
            <LinkedValue key={slice.index} value={entry.display}>
              {({ openMenu }) => (
                <g
                  onMouseMove={(event) => onHover(entry, event)}
                  onMouseLeave={() => onHover(undefined)}
                  onClick={openMenu}
                  style={{ cursor: entry.display.hasLinks ? 'pointer' : undefined }}
                >
                  <path
                    d={slicePath(slice, radius, inner)}
                    fill={entry.color}
                    fillRule="evenodd"
                    stroke={theme.colors.background.primary}
                    strokeWidth={slices.length > 1 ? 1 : 0}
                    opacity={active !== undefined && active.name !== entry.name ? 0.6 : 1}
                  />
                  <Label entry={entry} slice={slice} radius={radius} inner={inner} total={total} options={options} />
                </g>
              )}
            </LinkedValue>
          );
        })}
      </g>
    </svg>
  );
}

interface LabelProps {
  entry: Entry;
  slice: Slice;
  radius: number;
  inner: number;
  total: number;
  options: Options;
}

/** Name, value or percentage on the slice if it is large enough. */
function Label({ entry, slice, radius, inner, total, options }: LabelProps) {
  const lines = labelLines(entry, total, options.displayLabels);
  const size = options.text?.valueSize ?? Math.max(9, Math.min(14, radius / 8));
  const width = Math.max(0, ...lines.map((line) => measureText(line, size).width));
  const lineHeight = size * 1.2;
  if (lines.length === 0 || !labelFits(slice, radius, inner, width, lines.length * lineHeight)) {
    return null;
  }
  const { x, y } = labelPoint(slice, radius, inner);
  return (
    <text
      x={x}
      y={y - ((lines.length - 1) * lineHeight) / 2}
      fill={getTextColorForBackground(entry.color)}
      fontSize={size}
      textAnchor="middle"
      pointerEvents="none"
    >
      {lines.map((line, i) => (
        <tspan key={i} x={x} dy={i === 0 ? '0.35em' : lineHeight}>
          {line}
        </tspan>
      ))}
    </text>
  );
}
