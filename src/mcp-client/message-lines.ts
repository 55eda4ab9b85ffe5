/**
 * Cuts a byte stream into lines, one JSON-RPC message each (specification, transports: stdio).
 * A line is bounded, and a long one costs linear time: its pieces are joined once, when its end has come.
 */
export interface LineSink {
  line(line: string): void;
  /** The line grew over the bound; nothing more is read. */
  tooLong(): void;
}

export function messageLines(maxBytes: number, sink: LineSink): (chunk: Buffer) => void {
  let pieces: Buffer[] = [];
  let size = 0;
  let isOver = false;
  return (chunk) => {
    let from = 0;
    while (!isOver) {
      const end = chunk.indexOf(10, from);
      const piece = chunk.subarray(from, end < 0 ? undefined : end);
      size += piece.length;
      if (size > maxBytes) {
        isOver = true;
        pieces = [];
        sink.tooLong();
        return;
      }
      if (end < 0) {
        if (piece.length > 0) pieces.push(piece);
        return;
      }
      const line = pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]);
      pieces = [];
      size = 0;
      from = end + 1;
      sink.line(line.toString('utf8'));
    }
  };
}
