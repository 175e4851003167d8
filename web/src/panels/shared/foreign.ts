/**
 * Makes user-written content safe for its readers: pages opened by links get no handle on this one, and images blocked
 * by the content security policy show why. Use it as a `ref` for elements with sanitized HTML.
 */
export function tameForeign(element: HTMLElement | null): void {
  for (const link of element?.querySelectorAll('a[href], area[href]') ?? []) {
    link.setAttribute('rel', 'noopener noreferrer');
  }
  for (const image of element?.querySelectorAll('img') ?? []) {
    image.addEventListener('error', () => explain(image), { once: true });
  }
}

function explain(image: HTMLImageElement): void {
  const { origin } = new URL(image.src, window.location.href);
  const reason =
    origin === window.location.origin ? 'Image cannot be loaded' : `Image from ${origin} is not loaded: an operator allows its site with --web.image-hosts`;
  const note = document.createElement('em');
  note.textContent = image.alt ? `${image.alt} (${reason})` : reason;
  image.replaceWith(note);
}
