import Configurations
import Kernels

/// By what a vector chooses its code.
///
/// Source of the lookup by angle: Yu et al., "Vector-quantized image modeling with improved VQGAN", 2022.
typealias CodeLookup = QuantiserConfiguration.Lookup

/// Codes to choose from, `[count, dimension]`; borrowed from whoever owns the numbers.
struct Codes {
    let data: Floats
    let count: Int
    let dimension: Int

    subscript(_ code: Int) -> Floats { data + code * dimension }

    /// The nearest code of each vector; ties go to the lower number.
    ///
    /// Every pair is measured by the same loop, not by a matrix product whose last bits depend on where in a tile a
    /// pair lies: equal codes are at equal distances, so a tie is one.
    ///
    /// - Parameters:
    ///   - vectors: Shape `[vectorCount, dimension]`.
    ///   - vectorCount: How many.
    ///   - lookup: What nearness is.
    ///   - chosen: Receives the codes' numbers.
    func nearest(
        to vectors: Floats, vectorCount: Int, by lookup: CodeLookup,
        into chosen: UnsafeMutablePointer<Int32>
    ) {
        switch lookup {
        case .euclidean:
            for n in 0..<vectorCount {
                let vector = vectors + n * dimension
                var (best, least) = (0, Float.infinity)
                for code in 0..<count {
                    let distance = squaredDistance(vector, self[code], count: dimension)
                    if distance < least { (best, least) = (code, distance) }
                }
                chosen[n] = Int32(best)
            }
        case .cosine:
            let reciprocals = (0..<count).map { code in
                1
                    / max(dot(self[code], self[code], count: dimension), .leastNormalMagnitude)
                    .squareRoot()
            }
            for n in 0..<vectorCount {
                let vector = vectors + n * dimension
                var (best, largest) = (0, -Float.infinity)
                for code in 0..<count {
                    let cosine =
                        dot(vector, self[code], count: dimension) * reciprocals[code]
                    if cosine > largest { (best, largest) = (code, cosine) }
                }
                chosen[n] = Int32(best)
            }
        }
    }
}
