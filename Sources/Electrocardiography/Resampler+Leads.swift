import Kernels

extension Resampler {
    /// Resamples a window whose leads follow one another.
    ///
    /// - Parameters:
    ///   - window: Shape `[leads, inputCount]`.
    ///   - resampled: Gets shape `[leads, outputCount]`.
    /// - Precondition: Both have the same whole number of leads.
    public func resample(_ window: Numbers<Float>, into resampled: Numbers<Float>) {
        let leads = window.count / inputCount
        precondition(
            window.count == leads * inputCount && resampled.count == leads * outputCount,
            "\(window.count) and \(resampled.count) samples for \(inputCount) to \(outputCount)")
        resample(
            (0..<leads).map {
                UnsafeBufferPointer(
                    start: window.startAddress + $0 * inputCount, count: inputCount)
            },
            into: UnsafeMutableBufferPointer(
                start: resampled.startAddress, count: resampled.count))
    }
}
