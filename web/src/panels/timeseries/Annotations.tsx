import { css } from '@emotion/css';
import { colorManipulator, dateTimeFormat, textUtil, type DataFrame, type TimeZone } from '@grafana/data';
import { config as grafana } from '@grafana/runtime';
import { Tag, Tooltip, type UPlotConfigBuilder } from '@grafana/ui';
import { createPortal } from 'react-dom';
import { useEffect, useMemo } from 'react';
import type uPlot from 'uplot';

import { usePlot } from './overlay';
import { tameForeign } from '../shared/foreign';

interface Event {
  time: number;
  end?: number;
  color: string;
  title: string;
  text: string;
  tags: string[];
}

interface Props {
  config: UPlotConfigBuilder;
  frames: DataFrame[];
  timeZone: TimeZone;
}

/** Annotations as lines and regions over a plot, each with a marker below it that shows its details. */
export function Annotations({ config, frames, timeZone }: Props) {
  const events = useMemo(() => eventsOf(frames), [frames]);
  const u = usePlot(config, (plot) => drawEvents(plot, events));
  // Annotations may arrive at any time, often after the series.
  useEffect(() => u?.redraw(false), [u, events]);
  if (!u) {
    return null;
  }
  return createPortal(
    events
      .filter((e) => inView(u, e))
      .map((event, i) => (
        <Tooltip key={i} content={<Content event={event} timeZone={timeZone} />} interactive>
          <button type="button" className={mark} aria-label={`Annotation ${event.title || event.text}`} style={place(u, event)} />
        </Tooltip>
      )),
    u.over
  );
}

function Content({ event, timeZone }: { event: Event; timeZone: TimeZone }) {
  const when = dateTimeFormat(event.time, { timeZone }) + (event.end && event.end > event.time ? ` – ${dateTimeFormat(event.end, { timeZone })}` : '');
  return (
    <div>
      <div>{when}</div>
      {event.title && <strong>{event.title}</strong>}
      {event.text && <div ref={tameForeign} dangerouslySetInnerHTML={{ __html: textUtil.sanitizeTextPanelContent(event.text) }} />}
      <div>
        {event.tags.map((tag) => (
          <Tag key={tag} name={tag} />
        ))}
      </div>
    </div>
  );
}

export function eventsOf(frames: DataFrame[]): Event[] {
  return frames.flatMap((frame) => {
    const column = (name: string) => frame.fields.find((f) => f.name === name)?.values;
    const [times, ends, titles, texts, tags, colors] = ['time', 'timeEnd', 'title', 'text', 'tags', 'color'].map(column);
    return (times ?? []).map((time: number, i) => ({
      time,
      end: ends?.[i],
      title: titles?.[i] ?? '',
      text: texts?.[i] ?? '',
      tags: tags?.[i] ?? [],
      color: grafana.theme2.visualization.getColorByName(colors?.[i] || 'red'),
    }));
  });
}

function inView(u: uPlot, { time, end }: Event): boolean {
  const { min, max } = u.scales['x']!;
  return time <= (max ?? 0) && (end ?? time) >= (min ?? 0);
}

function place(u: uPlot, { time, end, color }: Event) {
  const width = u.over.clientWidth;
  const left = Math.max(0, u.valToPos(time, 'x'));
  const right = end && end > time ? Math.min(width, u.valToPos(end, 'x')) : left;
  return { left: left - 4, width: Math.max(8, right - left), backgroundColor: color };
}

function drawEvents(u: uPlot, events: Event[]) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const event of events) {
    const left = u.valToPos(event.time, 'x', true);
    const isRegion = event.end !== undefined && event.end !== null && event.end > event.time;
    const right = isRegion ? u.valToPos(event.end!, 'x', true) : left;
    if (isRegion) {
      ctx.fillStyle = colorManipulator.alpha(event.color, 0.1);
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.strokeStyle = event.color;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 5 * devicePixelRatio]);
    for (const x of isRegion ? [left, right] : [left]) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
  }
  ctx.restore();
}

const mark = css({ position: 'absolute', bottom: -6, height: 6, padding: 0, border: 0, borderRadius: 2, cursor: 'pointer', zIndex: 2 });
