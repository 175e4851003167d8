/** Returns a function that splits the chunks of a response into lines, wherever the chunks end. */
export function linesOf(): (part: Uint8Array | undefined) => string[] {
  const decoder = new TextDecoder();
  // Pieces of the current line; joined only once, because a line may be long and arrive in many chunks.
  let begun: string[] = [];
  return (part) => {
    const pieces = decoder.decode(part, { stream: true }).split('\n');
    begun.push(pieces[0]!);
    if (pieces.length === 1) {
      return [];
    }
    const lines = [begun.join(''), ...pieces.slice(1, -1)];
    begun = [pieces.at(-1)!];
    return lines.filter((line) => line !== '');
  };
}
