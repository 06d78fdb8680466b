import Kernels

/// A codebook that follows the vectors that choose its codes, by running means and not by gradients.
///
/// `count = decay * count + (1 - decay) * hits`, the same for the sum of the vectors that chose the code, and the code is
/// their quotient, with the count smoothed as if every code had been chosen a little. The smoothed count is not
/// written back: what is divided by must not change what is counted.
///
/// Source: van den Oord et al., "Neural discrete representation learning", 2017, appendix A.1, in the form of
/// Dhariwal et al., "Jukebox", 2020.
struct EMACodebook {
    /// Number of codes.
    let codes: Int
    /// Numbers of a code.
    let dimension: Int
    /// Codes, `[codes, dimension]`.
    let codebook: Numbers<Float>
    /// Running counts, `[codes]`.
    let counts: Numbers<Float>
    /// Running sums, `[codes, dimension]`.
    let sums: Numbers<Float>

    /// Added to every count when it is smoothed.
    static let smoothing = 1e-5

    /// Takes codes as they are, each with a fair share of what a batch has.
    func start(fairShare: Double) {
        for code in 0..<codes { place(code, at: vector(code), share: fairShare) }
    }

    private func vector(_ code: Int) -> Numbers<Float> {
        codebook.part(code * dimension..<(code + 1) * dimension)
    }

    /// Puts a code at a vector, with a fair share.
    func place(_ code: Int, at vector: Numbers<Float>, share: Double) {
        counts[code] = Float(share)
        for j in 0..<dimension {
            let value = vector[j]
            codebook[code * dimension + j] = value
            sums[code * dimension + j] = value * Float(share)
        }
    }

    /// Follows one batch.
    ///
    /// - Parameters:
    ///   - hits: How often each code was chosen.
    ///   - hitSums: The sum of the vectors that chose each code, `[codes, dimension]`.
    ///   - decay: How much of the past stays.
    ///   - lookup: With cosines, codes are brought to unit length.
    func follow(
        hits: (Int) -> Double, hitSums: (Int) -> Double, decay: Double, by lookup: CodeLookup
    ) {
        var total = 0.0
        for code in 0..<codes {
            counts[code] = Float(decay * Double(counts[code]) + (1 - decay) * hits(code))
            total += Double(counts[code])
        }
        for i in 0..<(codes * dimension) {
            sums[i] = Float(decay * Double(sums[i]) + (1 - decay) * hitSums(i))
        }
        for code in 0..<codes {
            let smoothed = smoothedCount(code, total: total)
            let vector = vector(code)
            for j in 0..<dimension {
                vector[j] = Float(Double(sums[code * dimension + j]) / smoothed)
            }
            if lookup == .cosine { scaleToUnitLength(vector) }
        }
    }

    /// A count as if every code had been chosen a little, with the same total.
    func smoothedCount(_ code: Int, total: Double) -> Double {
        (Double(counts[code]) + Self.smoothing) / (total + Double(codes) * Self.smoothing) * total
    }

    /// Gives codes that hardly anybody chooses a new place among recent vectors, each another one.
    ///
    /// - Parameters:
    ///   - share: A code is dead when its running count is below this.
    ///   - fairShare: The count that it begins with again.
    ///   - poolCount: Recent vectors; more dead codes than that stay where they are.
    ///   - random: Draws the vectors.
    ///   - vector: One of them.
    /// - Returns: Codes restarted.
    func restart(
        below share: Double, fairShare: Double, from poolCount: Int, random: inout RandomStream,
        vector: (Int) -> Numbers<Float>
    ) -> Int {
        let dead = (0..<codes).filter { Double(counts[$0]) < share }
        guard !dead.isEmpty else { return 0 }
        let chosen = random.choose(min(dead.count, poolCount), of: poolCount)
        for (code, number) in zip(dead, chosen) {
            place(code, at: vector(number), share: fairShare)
        }
        return chosen.count
    }
}
