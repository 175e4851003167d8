/** Returns what cuts the parts of an answer, wherever they end, into its lines. */
export function linesOf(): (part: Uint8Array | undefined) => string[] {
  const decoder = new TextDecoder();
  // The beginning of a line that has not ended; joined once, because a line may be long and come in many parts.
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
