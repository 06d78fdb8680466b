// What a kernel can know of bare addresses, checked in debug builds. `assert` would not do: this room is optimised in debug
// builds too, so that tests are quick, and an optimised `assert` is gone.

/// Stops where a count is negative.
@inlinable @inline(__always)
func checkCounts(_ first: Int, _ second: Int = 0, kernel: StaticString = #function) {
    #if DEBUG
        precondition(first >= 0 && second >= 0, "\(kernel): counts of \(first) and \(second)")
    #endif
}

/// Stops where what is written overlaps what is read.
@inlinable @inline(__always)
func checkApart<X, Y>(
    _ x: UnsafePointer<X>, _ xCount: Int, _ y: UnsafeMutablePointer<Y>, _ yCount: Int,
    kernel: StaticString = #function
) {
    #if DEBUG
        let (a, b) = (UnsafeRawPointer(x), UnsafeRawPointer(y))
        precondition(
            xCount == 0 || yCount == 0 || a + xCount * MemoryLayout<X>.stride <= b
                || b + yCount * MemoryLayout<Y>.stride <= a,
            "\(kernel): what is written overlaps what is read")
    #endif
}
