import Kernels
import LinearAlgebra
import Statistics

/// The codes that a codebook starts from: k-means in the codebook's own arithmetic.
///
/// Codes are single precision and looked up as in training; with cosines, means are brought to unit length, which
/// vectors have already.
struct CodebookClustering {
    /// Whole vectors, `dimension` numbers each.
    let vectors: Numbers<Float>
    /// Number of codes, at most that of the vectors.
    let codes: Int
    /// Numbers of a vector.
    let dimension: Int
    /// What nearness is.
    let lookup: CodeLookup

    private var vectorCount: Int { vectors.count / dimension }

    /// Runs work that is numbered from 0, on as many threads as there are.
    typealias Parallel = (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

    /// Vectors whose nearest codes are looked up in one task.
    private static let vectorsPerTask = 64

    /// Starts from different vectors drawn at random and moves the means `rounds` times.
    ///
    /// - Parameters:
    ///   - rounds: How often.
    ///   - random: Draws the first means.
    ///   - parallel: Runs the lookups.
    ///   - codebook: Receives the means, `[codes, dimension]`.
    func run(
        rounds: Int, random: inout RandomStream, parallel: Parallel,
        into codebook: Numbers<Float>
    ) {
        precondition(
            codebook.count == codes * dimension, "\(codebook.count) numbers for \(codes) codes")
        precondition(codes <= vectorCount, "\(vectorCount) vectors cannot start \(codes) means")
        let matrix = Matrix(
            rows: vectorCount, columns: dimension,
            values: rows(0..<vectorCount, of: vectors).map { Double($0) })
        let found = withoutActuallyEscaping(parallel) { parallel in
            KMeans(
                matrix, from: matrix.selecting(rows: random.choose(codes, of: vectorCount)),
                rounds: rounds, endsWhenSettled: false,
                arithmetic: KMeans.Arithmetic(
                    nearest: { means in
                        write(means.values, to: codebook)
                        return nearest(of: codebook, parallel: parallel)
                    }, settle: settle))
        }
        write(found.means.values, to: codebook)
    }

    /// The values are singles already; the last bits of the conversion are zeros.
    private func write(_ values: [Double], to codebook: Numbers<Float>) {
        for (place, value) in values.enumerated() { codebook[place] = Float(value) }
    }

    /// A mean as a code: single precision, of unit length where angles count.
    private func settle(_ mean: inout [Double]) {
        var code = mean.map { Float($0) }
        if lookup == .cosine { code.withNumbers { scaleToUnitLength($0) } }
        mean = code.map { Double($0) }
    }

    private func nearest(
        of means: Numbers<Float>, parallel: Parallel
    ) -> (labels: [Int], distances: [Double]) {
        var chosen = Array(repeating: Int32(0), count: vectorCount)
        let size = Self.vectorsPerTask
        chosen.withNumbers { chosen in
            let work = Assignment(clustering: self, means: means, chosen: chosen)
            parallel((vectorCount + size - 1) / size) { task in
                work.run(task * size..<min(work.clustering.vectorCount, (task + 1) * size))
            }
        }
        let labels = chosen.map { Int($0) }
        let distances = labels.enumerated().map { vector, code in
            Double(
                squaredDistance(
                    rows(vector..<vector + 1, of: vectors), rows(code..<code + 1, of: means)))
        }
        return (labels, distances)
    }

    private func rows(_ range: Range<Int>, of matrix: Numbers<Float>) -> Numbers<Float> {
        matrix.part(range.lowerBound * dimension..<range.upperBound * dimension)
    }

    /// What the threads of one assignment share.
    ///
    /// `@unchecked Sendable`: each vector's place is one task's alone.
    private struct Assignment: @unchecked Sendable {
        let clustering: CodebookClustering
        let means: Numbers<Float>
        let chosen: Numbers<Int32>

        func run(_ range: Range<Int>) {
            Codes(means, dimension: clustering.dimension).nearest(
                to: clustering.rows(range, of: clustering.vectors), by: clustering.lookup,
                into: chosen.part(range))
        }
    }
}

extension RandomStream {
    /// Different numbers from 0..<bound in random order.
    ///
    /// - Precondition: `count <= bound`.
    mutating func choose(_ count: Int, of bound: Int) -> [Int] {
        var numbers = Array(0..<bound)
        for place in 0..<count {
            numbers.swapAt(place, place + nextInteger(below: bound - place))
        }
        return Array(numbers[..<count])
    }
}
