import { formattedValueToString, type FieldDisplay, type GrafanaTheme2 } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import { calculateFontSize, Sparkline, useTheme2 } from '@grafana/ui';

import type { LinkProps } from '../shared/LinkedValue';
import { colorsOf, formatterOf, rangeOf, thresholdsOf, type ColorAt } from './colors';
import { angleAt, arcPath, layoutDial, lit, pointAt, segments, share, type Dial, type Segment } from './geometry';

export interface GaugeProps extends LinkProps {
  value: FieldDisplay;
  width: number;
  height: number;
  options: Options;
  showName: boolean;
}

/** Enough colors for a smooth gradient around the dial. */
const gradientPieces = 60;
/** Below these sizes in pixels, the ring and the labels are omitted because they would be noise. */
const smallest = { ring: 50, labels: 110 };

/** One value on a dial. */
export function Gauge({ value, width, height, options, showName, className, openMenu }: GaugeProps) {
  const theme = useTheme2();
  const size = Math.min(width, height);
  const dial = layoutDial({
    width,
    height,
    shape: options.shape === 'circle' ? 'circle' : 'gauge',
    barWidthFactor: options.barWidthFactor ?? 0.5,
    ring: options.showThresholdMarkers !== false && size >= smallest.ring && thresholdsOf(value, theme).length > 0,
    labels: options.showThresholdLabels === true && size >= smallest.labels,
    name: showName && height >= 40,
  });
  const title = value.display.title ?? '';
  const text = formattedValueToString(value.display);
  const label = title === '' ? text : `${title}: ${text}`;
  return (
    <div className={className} style={{ position: 'relative', width, height, cursor: openMenu ? 'pointer' : undefined }} onClick={openMenu}>
      <svg width={width} height={height} role="img" aria-label={label} style={{ display: 'block' }}>
        <title>{label}</title>
        <Bar value={value} dial={dial} options={options} theme={theme} />
        {dial.ringRadius > 0 && <Ring value={value} dial={dial} theme={theme} />}
        {dial.labelRadius > 0 && <Labels value={value} dial={dial} theme={theme} />}
        {options.textMode !== 'none' && options.textMode !== 'name' && (
          <Value text={text} dial={dial} options={options} color={value.display.color ?? theme.colors.text.primary} theme={theme} />
        )}
        {dial.nameHeight > 0 && <Name text={title} dial={dial} width={width} height={height} size={options.text?.titleSize} theme={theme} />}
      </svg>
      {options.sparkline === true && value.sparkline && dial.radius > 40 && <Spark value={value} dial={dial} theme={theme} />}
    </div>
  );
}

interface PartProps {
  value: FieldDisplay;
  dial: Dial;
  theme: GrafanaTheme2;
}

function Bar({ value, dial, options, theme }: PartProps & { options: Options }) {
  const { min, max } = rangeOf(value);
  const part = share(value.display.numeric, min, max);
  const from = options.neutral === undefined ? 0 : share(options.neutral, min, max);
  const all = segments(options.segmentCount ?? 1, options.segmentSpacing ?? 0.3, dial.shape === 'circle');
  const gradient = options.effects?.gradient === true;
  const colorAt: ColorAt = gradient ? colorsOf(value, theme) : () => value.display.color ?? theme.colors.primary.main;
  const round = options.barShape === 'rounded' && all.length === 1;
  const glow = options.effects?.barGlow === true ? { filter: `drop-shadow(0 0 ${dial.barWidth / 3}px ${colorAt(part)})` } : undefined;
  const line = { fill: 'none', strokeWidth: dial.barWidth } as const;
  const path = (piece: Segment) => arcPath(dial, dial.radius, angleAt(dial, piece.from), angleAt(dial, piece.to));
  return (
    <g>
      {all.map((segment, i) => (
        <path key={i} d={path(segment)} stroke={theme.colors.action.hover} strokeLinecap={round ? 'round' : 'butt'} {...line} />
      ))}
      <g style={glow}>
        {all.flatMap((segment, i) =>
          slices(lit(segment, from, part), gradient).map((piece, j) => (
            <path key={`${i}.${j}`} d={path(piece)} stroke={colorAt((piece.from + piece.to) / 2)} strokeLinecap={round ? 'round' : 'butt'} {...line} />
          ))
        )}
      </g>
      {round && options.endpointMarker === 'point' && part > 0 && (
        <circle {...center(pointAt(dial, dial.radius, angleAt(dial, part)))} r={dial.barWidth / 5} fill={theme.colors.background.primary} />
      )}
    </g>
  );
}

function center({ x, y }: { x: number; y: number }) {
  return { cx: x, cy: y };
}

/** A lit segment in one color, or as many slices that overlap slightly so that no seams are visible. */
function slices(piece: Segment | undefined, gradient: boolean): Segment[] {
  if (piece === undefined || !gradient) {
    return piece === undefined ? [] : [piece];
  }
  const count = Math.max(1, Math.ceil((piece.to - piece.from) * gradientPieces));
  const step = (piece.to - piece.from) / count;
  return Array.from({ length: count }, (_, i) => ({ from: piece.from + i * step, to: Math.min(piece.to, piece.from + (i + 1.1) * step) }));
}

function Ring({ value, dial, theme }: PartProps) {
  return (
    <g>
      {thresholdsOf(value, theme).map((piece, i) => (
        <path
          key={i}
          d={arcPath(dial, dial.ringRadius, angleAt(dial, piece.from), angleAt(dial, piece.to))}
          stroke={piece.color}
          strokeWidth={dial.ringWidth}
          fill="none"
        />
      ))}
    </g>
  );
}

/** The ends of the range and the thresholds around the dial. */
function Labels({ value, dial, theme }: PartProps) {
  const { min, max } = rangeOf(value);
  const format = formatterOf(value, theme);
  const numbers = new Set([min, ...thresholdsOf(value, theme).flatMap((piece) => piece.value ?? []), ...(dial.shape === 'circle' ? [] : [max])]);
  return (
    <g fill={theme.colors.text.secondary} fontSize={dial.fontSize}>
      {[...numbers].map((number) => {
        const part = share(number, min, max);
        const { x, y } = pointAt(dial, dial.labelRadius, angleAt(dial, part));
        const anchor = Math.abs(x - dial.cx) < dial.fontSize ? 'middle' : x < dial.cx ? 'end' : 'start';
        return (
          <text key={number} x={x} y={y} textAnchor={anchor} dominantBaseline="central">
            {format(number)}
          </text>
        );
      })}
    </g>
  );
}

function Value({ text, dial, options, color, theme }: { text: string; dial: Dial; options: Options; color: string; theme: GrafanaTheme2 }) {
  const inner = Math.max(1, dial.radius - dial.barWidth / 2);
  const room = inner * 1.6;
  const size = options.text?.valueSize ?? Math.min(calculateFontSize(text, room, inner * 1.1, 1, inner * 0.62, 500), 120);
  const glow = options.effects?.centerGlow === true ? { filter: `drop-shadow(0 0 ${size / 2}px ${color})` } : undefined;
  return (
    <text
      x={dial.cx}
      y={dial.cy + (dial.shape === 'circle' ? 0 : inner * 0.06)}
      fill={color}
      fontSize={size}
      fontFamily={theme.typography.fontFamily}
      fontWeight={500}
      textAnchor="middle"
      dominantBaseline="central"
      style={glow}
    >
      {text}
    </text>
  );
}

function Name({ text, dial, width, height, size, theme }: { text: string; dial: Dial; width: number; height: number; size?: number; theme: GrafanaTheme2 }) {
  const fontSize = size ?? Math.min(calculateFontSize(text, width, dial.nameHeight, 1, dial.nameHeight * 0.9, 400), 18);
  // Names that do not fit at a readable size are truncated; the title of the drawing contains them in full.
  const readable = Math.max(fontSize, 9);
  const letters = Math.max(3, Math.floor(width / (readable * 0.55)));
  const shown = text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
  return (
    <text x={width / 2} y={height - dial.nameHeight / 2} fill={theme.colors.text.primary} fontSize={readable} textAnchor="middle" dominantBaseline="central">
      {shown}
    </text>
  );
}

function Spark({ value, dial, theme }: PartProps) {
  const inner = dial.radius - dial.barWidth / 2;
  const width = inner * 1.1;
  const height = inner * 0.28;
  return (
    <div style={{ position: 'absolute', left: dial.cx - width / 2, top: dial.cy + inner * 0.38, width, height, pointerEvents: 'none' }}>
      <Sparkline
        width={width}
        height={height}
        sparkline={value.sparkline!}
        theme={theme}
        config={{ ...value.field, custom: { fillOpacity: 20, lineWidth: 1 }, color: { mode: 'fixed', fixedColor: value.display.color } }}
      />
    </div>
  );
}
