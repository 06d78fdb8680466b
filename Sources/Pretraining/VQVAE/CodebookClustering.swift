import Kernels
import LinearAlgebra
import Statistics

/// The codes that a codebook starts from: k-means in the codebook's own arithmetic.
///
/// Codes are single precision and looked up as in training; with cosines, means are brought to unit length, which
/// vectors have already.
struct CodebookClustering {
    /// Vectors, `[vectorCount, dimension]`.
    let vectors: Floats
    /// Number of vectors.
    let vectorCount: Int
    /// Number of codes, at most that of the vectors.
    let codes: Int
    /// Numbers of a vector.
    let dimension: Int
    /// What nearness is.
    let lookup: CodeLookup

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
        rounds: Int, random: inout RandomStream, parallel: Parallel, into codebook: MutableFloats
    ) {
        precondition(codes <= vectorCount, "\(vectorCount) vectors cannot start \(codes) means")
        let matrix = Matrix(
            rows: vectorCount, columns: dimension,
            values: (0..<vectorCount * dimension).map { Double(vectors[$0]) })
        let found = withoutActuallyEscaping(parallel) { parallel in
            KMeans(
                matrix, from: matrix.selecting(rows: random.choose(codes, of: vectorCount)),
                rounds: rounds, endsWhenSettled: false,
                arithmetic: KMeans.Arithmetic(
                    nearest: { means in
                        write(means.values, to: codebook)
                        return nearest(of: Floats(codebook), parallel: parallel)
                    }, settle: settle))
        }
        write(found.means.values, to: codebook)
    }

    /// The values are singles already; the last bits of the conversion are zeros.
    private func write(_ values: [Double], to codebook: MutableFloats) {
        for (place, value) in values.enumerated() { codebook[place] = Float(value) }
    }

    /// A mean as a code: single precision, of unit length where angles count.
    private func settle(_ mean: inout [Double]) {
        var code = mean.map { Float($0) }
        if lookup == .cosine {
            code.withUnsafeMutableBufferPointer { code in
                guard let start = code.baseAddress else { return }
                scaleToUnitLength(start, count: dimension)
            }
        }
        mean = code.map { Double($0) }
    }

    private func nearest(
        of means: Floats, parallel: Parallel
    ) -> (labels: [Int], distances: [Double]) {
        let chosen = UnsafeMutableBufferPointer<Int32>.allocate(capacity: vectorCount)
        defer { chosen.deallocate() }
        let size = Self.vectorsPerTask
        let work = Assignment(clustering: self, means: means, chosen: chosen)
        parallel((vectorCount + size - 1) / size) { task in
            work.run(task * size..<min(work.clustering.vectorCount, (task + 1) * size))
        }
        let labels = chosen.map { Int($0) }
        let distances = labels.enumerated().map { n, code in
            Double(
                squaredDistance(
                    vectors + n * dimension, means + code * dimension, count: dimension))
        }
        return (labels, distances)
    }

    /// What the threads of one assignment share.
    ///
    /// `@unchecked Sendable`: each vector's place is one task's alone.
    private struct Assignment: @unchecked Sendable {
        let clustering: CodebookClustering
        let means: Floats
        let chosen: UnsafeMutableBufferPointer<Int32>

        func run(_ range: Range<Int>) {
            guard let start = chosen.baseAddress else { return }
            Codes(data: means, count: clustering.codes, dimension: clustering.dimension).nearest(
                to: clustering.vectors + range.lowerBound * clustering.dimension,
                vectorCount: range.count, by: clustering.lookup, into: start + range.lowerBound)
        }
    }
}

/// Divides a vector by its length; the zero vector stays.
func scaleToUnitLength(_ x: MutableFloats, count: Int) {
    let square = dot(x, x, count: count)
    guard square > 0 else { return }
    scale(x, by: 1 / square.squareRoot(), into: x, count: count)
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
