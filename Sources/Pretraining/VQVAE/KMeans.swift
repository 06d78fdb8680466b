import Kernels

/// Lloyd's algorithm, with the same bits wherever it runs: ties go to the lower index, means are taken in double in
/// the order of the vectors, and an empty cluster takes the vector that is farthest from its own mean.
struct KMeans {
    /// Vectors, `[vectorCount, dimension]`.
    let vectors: Floats
    /// Number of vectors.
    let vectorCount: Int
    /// Number of clusters, at most that of the vectors.
    let clusters: Int
    /// Numbers of a vector.
    let dimension: Int
    /// With cosines, means are brought to unit length; vectors have it already.
    let lookup: CodeLookup

    /// Runs work that is numbered from 0, on as many threads as there are.
    typealias Parallel = (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

    /// Vectors whose nearest means are looked up in one task.
    private static let vectorsPerTask = 64

    /// Starts from different vectors drawn at random and moves the means `rounds` times.
    ///
    /// - Parameters:
    ///   - rounds: How often.
    ///   - random: Draws the first means.
    ///   - parallel: Runs the lookups.
    ///   - means: Receives the means, `[clusters, dimension]`.
    func run(
        rounds: Int, random: inout RandomStream, parallel: Parallel, into means: MutableFloats
    ) {
        precondition(
            clusters <= vectorCount, "\(vectorCount) vectors cannot start \(clusters) means")
        for (cluster, vector) in random.choose(clusters, of: vectorCount).enumerated() {
            (means + cluster * dimension).update(
                from: vectors + vector * dimension, count: dimension)
        }
        let chosen = UnsafeMutableBufferPointer<Int32>.allocate(capacity: vectorCount)
        defer { chosen.deallocate() }
        for _ in 0..<rounds {
            assign(to: Floats(means), parallel: parallel, into: chosen)
            move(means, chosen: chosen)
        }
    }

    private func assign(
        to means: Floats, parallel: Parallel, into chosen: UnsafeMutableBufferPointer<Int32>
    ) {
        let size = Self.vectorsPerTask
        let work = Assignment(kMeans: self, means: means, chosen: chosen)
        parallel((vectorCount + size - 1) / size) { task in
            work.run(task * size..<min(work.kMeans.vectorCount, (task + 1) * size))
        }
    }

    private func move(_ means: MutableFloats, chosen: UnsafeMutableBufferPointer<Int32>) {
        var sums = Array(repeating: 0.0, count: clusters * dimension)
        var counts = Array(repeating: 0, count: clusters)
        for n in 0..<vectorCount {
            let cluster = Int(chosen[n])
            counts[cluster] += 1
            for j in 0..<dimension {
                sums[cluster * dimension + j] += Double(vectors[n * dimension + j])
            }
        }
        // Measured from the old means, before any moves.
        let distances = (0..<vectorCount).map { n in
            squaredDistance(
                vectors + n * dimension, means + Int(chosen[n]) * dimension, count: dimension)
        }
        var far = (0..<vectorCount).sorted { a, b in
            distances[a] == distances[b] ? a > b : distances[a] < distances[b]
        }
        for cluster in 0..<clusters {
            let mean = means + cluster * dimension
            guard counts[cluster] > 0 else {
                if let farthest = far.popLast() {
                    mean.update(from: vectors + farthest * dimension, count: dimension)
                }
                continue
            }
            for j in 0..<dimension {
                mean[j] = Float(sums[cluster * dimension + j] / Double(counts[cluster]))
            }
            if lookup == .cosine { scaleToUnitLength(mean, count: dimension) }
        }
    }

    /// What the threads of one assignment share.
    ///
    /// `@unchecked Sendable`: each vector's place is one task's alone.
    private struct Assignment: @unchecked Sendable {
        let kMeans: KMeans
        let means: Floats
        let chosen: UnsafeMutableBufferPointer<Int32>

        func run(_ range: Range<Int>) {
            guard let start = chosen.baseAddress else { return }
            Codes(data: means, count: kMeans.clusters, dimension: kMeans.dimension).nearest(
                to: kMeans.vectors + range.lowerBound * kMeans.dimension,
                vectorCount: range.count, by: kMeans.lookup, into: start + range.lowerBound)
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
