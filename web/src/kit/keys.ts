/** Whether keys and pasted text belong to the focused element: a field, a dialog or a menu. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      target.closest('[role="dialog"], [role="menu"], [role="listbox"]') !== null)
  );
}

const arrows: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };

/**
 * The name of a key as shown in the help: "d", "E", "←", "Ctrl Shift Z"; the Command key counts as Ctrl. Undefined for
 * keys that cannot be shortcuts.
 */
export function nameOfKey(event: KeyboardEvent): string | undefined {
  if (event.altKey || event.isComposing) {
    return undefined;
  }
  if (event.ctrlKey || event.metaKey) {
    return `Ctrl ${event.shiftKey ? 'Shift ' : ''}${event.key.toUpperCase()}`;
  }
  return arrows[event.key] ?? event.key;
}
