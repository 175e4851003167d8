// Replaces react-dom/server, which @grafana/ui only uses for the text of truncated content. The original is twice as
// large as everything a page needs of React besides rendering.
import { isValidElement, type ReactNode } from 'react';

/** Returns the text of elements, without what components would render. */
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
