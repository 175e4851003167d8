import { dateMath, dateTime, getDefaultTimeRange, rangeUtil, type TimeRange } from '@grafana/data';
import { sceneGraph, SceneTimeRangeTransformerBase, type SceneComponentProps, type SceneTimeRangeLike, type SceneTimeRangeState } from '@grafana/scenes';
import { Icon, PanelChrome, Tooltip } from '@grafana/ui';

interface PanelTimeRangeState extends SceneTimeRangeState {
  timeFrom?: string;
  timeShift?: string;
  hideTimeOverride?: boolean;
  /** Describes the difference from the dashboard's range. */
  timeInfo?: string;
}

/** The time range of a panel with "relative time" or "time shift". */
export class PanelTimeRange extends SceneTimeRangeTransformerBase<PanelTimeRangeState> implements SceneTimeRangeLike {
  static Component = PanelTimeRangeInfo;

  constructor(state: Pick<PanelTimeRangeState, 'timeFrom' | 'timeShift' | 'hideTimeOverride'>) {
    super({ ...state, from: 'now-6h', to: 'now', value: getDefaultTimeRange() });
    this.addActivationHandler(() => {
      this.update(this.getAncestorTimeRange().state);
      this._subs.add(this.getAncestorTimeRange().subscribeToState((next) => this.update(next)));
    });
  }

  protected ancestorTimeRangeChanged(next: SceneTimeRangeState) {
    this.update(next);
  }

  private update(ancestor: SceneTimeRangeState) {
    const timeFrom = sceneGraph.interpolate(this, this.state.timeFrom);
    const timeShift = sceneGraph.interpolate(this, this.state.timeShift);
    const { range, info } = overriddenRange(ancestor.value, timeFrom, timeShift);
    this.setState({ value: range, from: String(range.raw.from), to: String(range.raw.to), timeInfo: info });
  }
}

/** The range of a panel and a description of how it differs. */
export function overriddenRange(base: TimeRange, timeFrom: string, timeShift: string): { range: TimeRange; info: string } {
  let range = base;
  const words: string[] = [];
  if (timeFrom) {
    const raw = timeFrom.startsWith('now') ? { from: timeFrom, to: 'now' } : { from: `now-${timeFrom}`, to: 'now' };
    const described = rangeUtil.describeTextRange(timeFrom.startsWith('now') ? timeFrom : `now-${timeFrom}`);
    // A relative override only replaces a relative range: zooming into a day shows that day.
    if (typeof base.raw.from === 'string') {
      const from = dateMath.parse(raw.from, false);
      const to = dateMath.parse(raw.to, true);
      if (!from || !to || described.invalid) {
        return { range: base, info: `invalid relative time ${timeFrom}` };
      }
      range = { from, to, raw };
      words.push(described.display);
    }
  }
  if (timeShift) {
    const shift = timeShift.startsWith('-') ? timeShift : `-${timeShift.replace(/^\+/, '')}`;
    const from = dateMath.parseDateMath(shift, dateTime(range.from), false);
    const to = dateMath.parseDateMath(shift, dateTime(range.to), true);
    if (!from || !to) {
      return { range, info: `invalid time shift ${timeShift}` };
    }
    range = { from, to, raw: { from, to } };
    words.push(`timeshift ${shift}`);
  }
  return { range, info: words.join(' ') };
}

function PanelTimeRangeInfo({ model }: SceneComponentProps<PanelTimeRange>) {
  const { timeInfo, hideTimeOverride } = model.useState();
  if (!timeInfo || hideTimeOverride) {
    return null;
  }
  return (
    <Tooltip content={timeInfo}>
      <PanelChrome.TitleItem>
        <Icon name="clock-nine" size="sm" /> <span>{timeInfo}</span>
      </PanelChrome.TitleItem>
    </Tooltip>
  );
}
