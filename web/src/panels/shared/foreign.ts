/**
 * Makes what somebody has written harmless to who reads it: a page that a link opens gets no handle on this one, and an
 * image that the page's policy keeps out says why it is not there. For elements whose HTML is sanitised, as a `ref`.
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
