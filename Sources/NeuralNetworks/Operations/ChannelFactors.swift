import Kernels

extension Tape {
    /// Factors of a dropout that is the same for all times of a channel: 0 with a probability, otherwise one over what is
    /// left of 1.
    ///
    /// - Parameters:
    ///   - samples: Rows.
    ///   - channels: Factors of a row.
    ///   - rate: The probability, below 1.
    ///   - skipped: Random numbers of a sample that serve something else before.
    ///   - random: Gives the random numbers of a sample.
    /// - Returns: Shape `[samples, channels]`.
    public func channelFactors(
        samples: Int, channels: Int, rate: Float, skipping skipped: Int = 0,
        random: (_ sample: Int) -> RandomStream
    ) -> Value {
        let factors = input(rows: samples, columns: channels)
        let kept = 1 / (1 - rate)
        for sample in 0..<samples {
            var stream = random(sample)
            for _ in 0..<skipped { _ = stream.nextUniform() }
            let row = factors.data + sample * channels
            for channel in 0..<channels {
                row[channel] = stream.nextUniform() < 1 - rate ? kept : 0
            }
        }
        return factors
    }
}
