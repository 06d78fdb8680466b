import Kernels

/// Fixed sine-cosine tables that tell a transformer where a token stands.
enum PositionTable {
    /// A table over `positions` rows between two rows of zeros, which belong to the separators.
    ///
    /// Row p + 1 is `[sin(p w_k) | cos(p w_k)]` with `w_k = 10000^(-k / (width / 2))`.
    ///
    /// - Returns: Shape `[positions + 2, width]`.
    static func withSeparators(positions: Int, width: Int) -> [Float] {
        let half = width / 2
        var table = [Float](repeating: 0, count: (positions + 2) * width)
        for k in 0..<half {
            // Rounded where the published code rounds, which computes in float32.
            let frequency = Float(
                ElementaryFunctions.power(10_000, -Double(k) / Double(half)))
            for position in 0..<positions {
                let angle = Double(Float(position) * frequency)
                table[(position + 1) * width + k] = Float(ElementaryFunctions.sine(angle))
                table[(position + 1) * width + half + k] = Float(
                    ElementaryFunctions.cosine(angle))
            }
        }
        return table
    }
}
