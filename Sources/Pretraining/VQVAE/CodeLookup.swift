import Configurations
import Kernels
import NeuralNetworks

/// By what a vector chooses its code.
///
/// Source of the lookup by angle: Yu et al., "Vector-quantized image modeling with improved VQGAN", 2022.
typealias CodeLookup = QuantiserConfiguration.Lookup

extension CodeLookup {
    /// The nearest code of each vector; ties go to the lower number.
    ///
    /// - Parameters:
    ///   - vectors: Shape `[rows, dimension]`.
    ///   - codes: Shape `[codes, dimension]`.
    ///   - chosen: Receives the codes' numbers, one a row.
    func nearest(to vectors: Value, among codes: Value, into chosen: Numbers<Int32>) {
        precondition(
            vectors.columns == codes.columns && chosen.count == vectors.rows,
            "\(vectors.rows) x \(vectors.columns) has no \(chosen.count) codes of \(codes.columns)")
        Codes(codes.numbers, dimension: codes.columns).nearest(
            to: vectors.numbers, by: self, into: chosen)
    }
}

/// Codes to choose from, side by side; borrowed from whoever owns the numbers.
struct Codes {
    private let numbers: Numbers<Float>
    private let dimension: Int

    /// Whole codes of `dimension` numbers each.
    init(_ numbers: Numbers<Float>, dimension: Int) {
        self.numbers = numbers
        self.dimension = dimension
    }

    private var count: Int { numbers.count / dimension }

    private subscript(_ code: Int) -> Numbers<Float> {
        numbers.part(code * dimension..<(code + 1) * dimension)
    }

    /// The nearest code of each vector; ties go to the lower number.
    ///
    /// Every pair is measured by the same loop, not by a matrix product whose last bits depend on where in a tile a
    /// pair lies: equal codes are at equal distances, so a tie is one.
    ///
    /// - Parameters:
    ///   - vectors: Whole vectors, `dimension` numbers each.
    ///   - lookup: What nearness is.
    ///   - chosen: Receives the codes' numbers, one a vector.
    func nearest(to vectors: Numbers<Float>, by lookup: CodeLookup, into chosen: Numbers<Int32>) {
        let vectorCount = chosen.count
        switch lookup {
        case .euclidean:
            for n in 0..<vectorCount {
                let vector = vectors.part(n * dimension..<(n + 1) * dimension)
                var (best, least) = (0, Float.infinity)
                for code in 0..<count {
                    let distance = squaredDistance(vector, self[code])
                    if distance < least { (best, least) = (code, distance) }
                }
                chosen[n] = Int32(best)
            }
        case .cosine:
            let reciprocals = (0..<count).map { code in
                1
                    / max(dot(self[code], self[code]), .leastNormalMagnitude)
                    .squareRoot()
            }
            for n in 0..<vectorCount {
                let vector = vectors.part(n * dimension..<(n + 1) * dimension)
                var (best, largest) = (0, -Float.infinity)
                for code in 0..<count {
                    let cosine = dot(vector, self[code]) * reciprocals[code]
                    if cosine > largest { (best, largest) = (code, cosine) }
                }
                chosen[n] = Int32(best)
            }
        }
    }
}
