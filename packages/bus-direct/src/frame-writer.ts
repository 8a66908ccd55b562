import { FrameWriter as AnyFrameWriter } from '@aep/net/internal';
import { FRAME_HEADER_BYTES, FrameType, MESSAGES_HEAD_BYTES, writeU53 } from './protocol.js';

/** Writes the frames of the direct bus: messages of one turn share frames. */
export class FrameWriter extends AnyFrameWriter {
  /** Where the frame of messages that is still open begins; -1 when none is. */
  private openFrameAt = -1;

  override frame(type: number, payload: Uint8Array, tail?: Uint8Array): void {
    this.closeFrame();
    super.frame(type, payload, tail);
  }

  /**
   * Room for one message in the open frame of messages, which is begun if need be. Write at `position` of the buffer
   * returned, then call `advance`.
   *
   * @param number number of this message on the connection
   */
  record(bytes: number, number: number): Uint8Array {
    const head = FRAME_HEADER_BYTES + 1 + MESSAGES_HEAD_BYTES;
    if (this.openFrameAt >= 0 && this.chunk!.length - this.at >= bytes) return this.chunk!;
    this.closeFrame();
    const chunk = this.reserve(head + bytes);
    this.openFrameAt = this.at;
    chunk[this.at + FRAME_HEADER_BYTES] = FrameType.messages;
    writeU53(chunk, this.at + FRAME_HEADER_BYTES + 1, number);
    this.at += head;
    return chunk;
  }

  get position(): number {
    return this.at;
  }

  advance(end: number): void {
    this.at = end;
  }

  override flush(): void {
    this.closeFrame();
    super.flush();
  }

  private closeFrame(): void {
    if (this.openFrameAt < 0) return;
    const start = this.openFrameAt;
    this.openFrameAt = -1;
    this.finish(this.chunk!, start, this.at);
  }
}
