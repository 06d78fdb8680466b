import Glibc

extension UnsafeMutableRawBufferPointer {
    private static let hugePageBytes = 2 << 20

    /// Memory with undefined content, aligned to 64 bytes; what is large lies in huge pages where the system has them.
    ///
    /// A matrix product walks through megabytes with strides of a row: with pages of 4 KiB, on a virtual machine above all, it
    /// waits for addresses. Systems often give huge pages only to those who ask.
    static func allocatePages(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        guard byteCount >= hugePageBytes else {
            return allocate(byteCount: byteCount, alignment: 64)
        }
        let memory = allocate(byteCount: byteCount, alignment: hugePageBytes)
        // Advice only: where the system refuses it, the pages are small.
        madvise(memory.baseAddress, byteCount & ~(hugePageBytes - 1), MADV_HUGEPAGE)
        return memory
    }
}
