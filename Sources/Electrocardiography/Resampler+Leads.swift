extension Resampler {
    /// Resamples a window whose leads follow one another.
    ///
    /// - Parameters:
    ///   - window: Shape `[leads, inputCount]`.
    ///   - resampled: Gets shape `[leads, outputCount]`.
    /// - Precondition: Both have the same whole number of leads.
    public func resample(_ window: [Float], into resampled: inout [Float]) {
        let leads = window.count / inputCount
        precondition(
            window.count == leads * inputCount && resampled.count == leads * outputCount,
            "\(window.count) and \(resampled.count) samples for \(inputCount) to \(outputCount)")
        window.withUnsafeBufferPointer { window in
            resampled.withUnsafeMutableBufferPointer { resampled in
                resample(
                    (0..<leads).map {
                        UnsafeBufferPointer(
                            rebasing: window[$0 * inputCount..<($0 + 1) * inputCount])
                    }, into: resampled)
            }
        }
    }
}
