import Kernels
import LinearAlgebra
import Statistics
import Testing

@Suite struct KMeansTests {
    private func points(_ count: Int, seed: UInt64) -> Matrix {
        var random = RandomStream(seed: seed, purpose: .sampling, step: 0, position: 0)
        let centres = [[0.0, 0], [10, 0], [0, 10]]
        return Matrix(
            rows: count, columns: 2,
            values: (0..<count).flatMap { n in
                centres[n % 3].map { $0 + 0.1 * random.nextNormal() }
            })
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func findsSeparatedClustersAndTheirInertia(seed: UInt64) throws {
        let vectors = points(60, seed: seed)
        let found = try KMeans(vectors, clusters: 3, seed: seed)
        for row in 3..<60 { #expect(found.labels[row] == found.labels[row - 3], "seed \(seed)") }
        #expect(Set(found.labels).count == 3)
        var inertia = 0.0
        for row in 0..<60 {
            let mean = found.means.row(found.labels[row])
            for (x, m) in zip(vectors.row(row), mean) { inertia += (x - m) * (x - m) }
        }
        #expect(abs(found.inertia - inertia) < 1e-9)
        #expect(found.inertia < 60 * 2 * 0.1)
    }

    @Test(arguments: [0, 3])
    func refusesMoreClustersThanVectors(clusters: Int) {
        #expect(throws: MetricError.unfitClusters(clusters: clusters, records: 2)) {
            try KMeans(points(2, seed: 1), clusters: clusters, seed: 1)
        }
    }

    /// Two equal means and one group: the second gets nothing, and takes the vector that is farthest from its own mean.
    @Test func anEmptyClusterTakesTheFarthestVector() {
        let vectors = Matrix(rows: 4, columns: 1, values: [1, 1, 1, 9])
        let start = Matrix(rows: 2, columns: 1, values: [1, 1])
        let found = KMeans(
            vectors, from: start, rounds: 2, endsWhenSettled: false, arithmetic: .doubles(vectors))
        #expect(found.labels == [0, 0, 0, 1])
        #expect(found.means.values == [1, 9])
    }

    @Test func endsWhenSettledOrAfterAllRounds() {
        let vectors = Matrix(rows: 4, columns: 1, values: [0, 1, 10, 11])
        let start = Matrix(rows: 2, columns: 1, values: [0, 11])
        for (ends, expected) in [(true, 2), (false, 7)] {
            var lookups = 0
            let plain = KMeans.Arithmetic.doubles(vectors)
            let found = KMeans(
                vectors, from: start, rounds: 7, endsWhenSettled: ends,
                arithmetic: KMeans.Arithmetic(
                    nearest: {
                        lookups += 1
                        return plain.nearest($0)
                    }, settle: { _ in }))
            #expect(lookups == expected)
            #expect(found.means.values == [0.5, 10.5])
        }
    }

    /// Means are what the arithmetic can keep, such as whole numbers.
    @Test func meansAreSettled() {
        let vectors = Matrix(rows: 2, columns: 1, values: [0, 1.5])
        let found = KMeans(
            vectors, from: Matrix(rows: 1, columns: 1, values: [0]), rounds: 1,
            endsWhenSettled: false,
            arithmetic: KMeans.Arithmetic(
                nearest: { _ in ([0, 0], [0, 2.25]) },
                settle: { mean in for place in mean.indices { mean[place].round(.up) } }))
        #expect(found.means.values == [1])
    }
}
