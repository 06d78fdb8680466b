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
        Codes(data: codes.data, count: codes.rows, dimension: codes.columns).nearest(
            to: vectors.data, vectorCount: vectors.rows, by: self, into: chosen.startAddress)
    }
}

extension KMeans {
    /// Clusters of vectors.
    ///
    /// - Parameters:
    ///   - vectors: Whole vectors, `dimension` numbers each.
    ///   - clusters: How many.
    ///   - dimension: Numbers of a vector.
    ///   - lookup: What nearness is.
    init(_ vectors: Numbers<Float>, clusters: Int, dimension: Int, lookup: CodeLookup) {
        self.init(
            vectors: vectors.startAddress, vectorCount: vectors.count / dimension,
            clusters: clusters, dimension: dimension, lookup: lookup)
    }

    /// Starts from different vectors drawn at random and moves the means `rounds` times; `means` has `clusters` of them.
    func run(
        rounds: Int, random: inout RandomStream, parallel: Parallel, into means: Numbers<Float>
    ) {
        precondition(
            means.count == clusters * dimension, "\(means.count) numbers for \(clusters) means")
        run(rounds: rounds, random: &random, parallel: parallel, into: means.startAddress)
    }
}

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
