import type { Dashboard } from '@grafana/schema';

/** A dashboard before or after something was done to it. */
interface Step {
  model: Dashboard;
  /** Whether it differed from what is saved. */
  dirty: boolean;
  /** What was done, as a button says it: "Remove the panel". */
  what: string;
}

const most = 100;

/** What was done to a dashboard since it was opened, to take back and to do again. */
export class History {
  private past: Step[] = [];
  private future: Step[] = [];

  /** What would be taken back or done again next. */
  get names(): { undo?: string; redo?: string } {
    return { undo: this.past.at(-1)?.what, redo: this.future.at(-1)?.what };
  }

  /** The last thing that was done, to know whether it still is. */
  get last(): unknown {
    return this.past.at(-1);
  }

  /** Remembers how the dashboard was before something is done to it. */
  record(before: Step) {
    this.past = [...this.past, before].slice(-most);
    this.future = [];
  }

  undo(now: Omit<Step, 'what'>): Step | undefined {
    return pass(this.past, this.future, now);
  }

  redo(now: Omit<Step, 'what'>): Step | undefined {
    return pass(this.future, this.past, now);
  }

  /** What is on the screen was saved: all that can be gone back to differs from it. */
  saved() {
    for (const step of [...this.past, ...this.future]) {
      step.dirty = true;
    }
  }
}

function pass(from: Step[], to: Step[], now: Omit<Step, 'what'>): Step | undefined {
  const step = from.pop();
  if (step) {
    to.push({ ...now, what: step.what });
  }
  return step;
}
