import { type GroupRecord, MemoryRegister, type SwapAnswer } from '@aep/cluster';

/** A register that tells of every change at the moment it happens. */
export class ObservedRegister extends MemoryRegister {
  constructor(private readonly onSwapped: (record: GroupRecord) => void) {
    super();
  }

  /** @internal */
  override swap(expectedEpoch: number, record: GroupRecord): SwapAnswer {
    const answer = super.swap(expectedEpoch, record);
    if (answer.swapped) this.onSwapped(answer.current!);
    return answer;
  }
}
