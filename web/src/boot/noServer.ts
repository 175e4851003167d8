// Stands in for react-dom/server, of which @grafana/ui only wants the text of what was cut off. The original is twice the size
// of what a page needs of React, less what draws.
import { isValidElement, type ReactNode } from 'react';

/** The text of elements, without what components would add. */
export function renderToStaticMarkup(node: ReactNode): string {
  if (typeof node === 'string' || typeof node === 'number') {
    return String(node);
  }
  if (Array.isArray(node)) {
    return node.map(renderToStaticMarkup).join('');
  }
  return isValidElement<{ children?: ReactNode }>(node) ? renderToStaticMarkup(node.props.children) : '';
}

export default { renderToStaticMarkup };
