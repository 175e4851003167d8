import type { Dashboard } from '@grafana/schema';

/** A dashboard before or after a change. */
interface Step {
  model: Dashboard;
  /** Whether it differed from the saved version. */
  dirty: boolean;
  /** The name of the change in buttons: "Remove the panel". */
  what: string;
}

const most = 100;

/** The changes to a dashboard since it was opened, for undo and redo. */
export class History {
  private past: Step[] = [];
  private future: Step[] = [];

  /** The names of the next changes to undo and redo. */
  get names(): { undo?: string; redo?: string } {
    return { undo: this.past.at(-1)?.what, redo: this.future.at(-1)?.what };
  }

  /** The last change, for checking whether it is still the last one. */
  get last(): unknown {
    return this.past.at(-1);
  }

  /** Records the dashboard before a change. */
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

  /** The current state was saved, so all states in the history now differ from the saved version. */
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
