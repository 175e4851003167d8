/** Whether keys and pasted text belong to what has the focus: a field, a dialog, a menu. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      target.closest('[role="dialog"], [role="menu"], [role="listbox"]') !== null)
  );
}

const arrows: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };

/** A key as the help writes it: "d", "E", "←", "Ctrl Shift Z"; the command key counts as Ctrl. Undefined for what is no shortcut. */
export function nameOfKey(event: KeyboardEvent): string | undefined {
  if (event.altKey || event.isComposing) {
    return undefined;
  }
  if (event.ctrlKey || event.metaKey) {
    return `Ctrl ${event.shiftKey ? 'Shift ' : ''}${event.key.toUpperCase()}`;
  }
  return arrows[event.key] ?? event.key;
}
