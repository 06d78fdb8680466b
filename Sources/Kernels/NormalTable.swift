/// Normal random numbers from a table of 65,536 quantiles, for noise on signals.
///
/// Half a word each and a look-up, where Box and Muller's way takes a logarithm and a cosine. The largest number is
/// 4.2; the deviation of the table is that of the distribution to four digits.
public struct NormalTable: Sendable {
    private let quantiles: [Float]

    /// The quantiles at the middles of 65,536 equal parts.
    public init() {
        let half = (0..<32_768).map { index in
            Float(Self.quantile(upperTail: (Double(index) + 0.5) / 65_536))
        }
        quantiles = half + half.reversed().map { -$0 }
    }

    /// The table that everybody shares, made when it is asked for first.
    public static let shared = NormalTable()

    /// Adds numbers of mean 0 to a signal.
    ///
    /// - Parameters:
    ///   - deviation: Of the numbers.
    ///   - random: Where they come from; one word gives two.
    ///   - signal: Shape `[count]`, updated in place.
    ///   - count: How many.
    public func addNoise(
        deviation: Float, random: inout RandomStream, to signal: MutableFloats, count: Int
    ) {
        checkCounts(count)
        quantiles.withUnsafeBufferPointer { quantiles in
            for i in 0..<count / 2 {
                let word = random.nextWord()
                signal[2 * i].addProduct(deviation, quantiles[Int(word & 0xFFFF)])
                signal[2 * i + 1].addProduct(deviation, quantiles[Int(word >> 16)])
            }
            if count % 2 == 1 {
                signal[count - 1].addProduct(deviation, quantiles[Int(random.nextWord() >> 16)])
            }
        }
    }

    /// The number that a normal number exceeds with a probability of at most one half, error below 4.5e-4.
    ///
    /// Source: Abramowitz and Stegun, 26.2.23.
    private static func quantile(upperTail p: Double) -> Double {
        let t = (-2 * ElementaryFunctions.logarithm(p)).squareRoot()
        let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328)
        let denominator = 1 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308))
        return t - numerator / denominator
    }
}
