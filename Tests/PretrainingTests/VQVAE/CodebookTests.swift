import Kernels
import NeuralNetworks
import TestSupport
import Testing

@testable import Pretraining

struct CodebookTests {
    private func random(_ seed: UInt64) -> RandomStream {
        RandomStream(seed: seed, purpose: .test)
    }

    private func nearest(_ vectors: [Float], codes: [Float], by lookup: CodeLookup) -> [Int32] {
        let dimension = 2
        var chosen = [Int32](repeating: -1, count: vectors.count / dimension)
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        withExtendedLifetime(tape) {
            chosen.withNumbers {
                lookup.nearest(
                    to: tape.matrix(vectors, columns: dimension),
                    among: tape.matrix(codes, columns: dimension), into: $0)
            }
        }
        return chosen
    }

    @Test func tiesGoToTheLowestCode() {
        let codes: [Float] = [5, 5, 1, 0, 1, 0, -1, 0]
        #expect(nearest([1, 0, 0, 7, 0, -1], codes: codes, by: .euclidean) == [1, 0, 1])
        #expect(nearest([3, 0, 0, -2], codes: [0, 1, 2, 0, 9, 0], by: .cosine) == [1, 1])
    }

    /// A thousand copies of few codes: the first of the equal ones wins, wherever it lies.
    @Test func equalCodesAreAtEqualDistances() {
        var random = random(1)
        let few = (0..<6).map { _ in Float(random.nextNormal()) }
        let codes = (0..<999).flatMap { code in few[code % 3 * 2..<code % 3 * 2 + 2] }
        let vectors = (0..<200).map { _ in Float(random.nextNormal()) }
        for lookup in [CodeLookup.euclidean, .cosine] {
            #expect(nearest(vectors, codes: codes, by: lookup).allSatisfy { $0 < 3 })
        }
    }

    // MARK: k-means

    private func means(
        of vectors: [Float], clusters: Int, dimension: Int, rounds: Int = 10, seed: UInt64 = 2,
        lookup: CodeLookup = .euclidean, backwards: Bool = false
    ) -> [Float] {
        var means = [Float](repeating: 0, count: clusters * dimension)
        var random = random(seed)
        var vectors = vectors
        vectors.withNumbers { vectors in
            means.withNumbers { means in
                CodebookClustering(
                    vectors: vectors, codes: clusters, dimension: dimension, lookup: lookup
                ).run(
                    rounds: rounds, random: &random,
                    parallel: { count, body in
                        for task in 0..<count { body(backwards ? count - 1 - task : task) }
                    }, into: means)
            }
        }
        return means
    }

    @Test func findsSeparatedClusters() {
        var random = random(3)
        let centres: [Float] = [0, 0, 10, 0, 0, 10, 10, 10]
        let vectors = (0..<400).flatMap { n in
            (0..<2).map { centres[n % 4 * 2 + $0] + 0.1 * Float(random.nextNormal()) }
        }
        let found = means(of: vectors, clusters: 4, dimension: 2, rounds: 40)
        let sorted = (0..<4).map { (found[2 * $0].rounded(), found[2 * $0 + 1].rounded()) }
            .sorted { $0 < $1 }
        let expected: [(Float, Float)] = [(0, 0), (0, 10), (10, 0), (10, 10)]
        #expect(zip(sorted, expected).allSatisfy { $0 == $1 })
    }

    @Test func anEmptyClusterTakesTheFarthestVector() {
        // Six equal vectors and one far away: whatever three means start from, two are equal, so one gets nothing.
        let vectors: [Float] = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9, 9]
        let found = means(of: vectors, clusters: 3, dimension: 2, rounds: 2)
        #expect(found.contains(9))
        #expect(found.allSatisfy { $0 == 1 || $0 == 9 })
    }

    @Test func theOrderOfTasksDoesNotShow() {
        var random = random(4)
        let vectors = (0..<3000).map { _ in Float(random.nextNormal()) }
        let one = means(of: vectors, clusters: 20, dimension: 3)
        #expect(one == means(of: vectors, clusters: 20, dimension: 3, backwards: true))
        #expect(one != means(of: vectors, clusters: 20, dimension: 3, seed: 9))
    }

    @Test func cosineMeansHaveUnitLength() {
        var random = random(5)
        let vectors = (0..<300).flatMap { _ -> [Float] in
            let pair = (0..<2).map { _ in Float(random.nextNormal()) }
            let length = (pair[0] * pair[0] + pair[1] * pair[1]).squareRoot()
            return pair.map { $0 / length }
        }
        let found = means(of: vectors, clusters: 8, dimension: 2, lookup: .cosine)
        for code in 0..<8 {
            let square =
                found[2 * code] * found[2 * code] + found[2 * code + 1] * found[2 * code + 1]
            #expect(abs(square - 1) < 1e-5)
        }
    }

    // MARK: Restart and use

    @Test func deadCodesRestartAtDifferentVectors() {
        let book = TestCodebook(codes: [0, 0, 5, 5, 6, 6, 7, 7], dimension: 2)
        book.ema.start(fairShare: 4)
        // Codes 1 and 3 get nothing for long.
        for _ in 0..<200 {
            book.ema.follow(
                hits: { [8, 0, 8, 0][$0] }, hitSums: { [8, 8, 0, 0, 48, 48, 0, 0][$0] },
                decay: 0.98, by: .euclidean)
        }
        var pool: [Float] = [1, 2, 3, 4, 5, 6]
        var random = random(6)
        let restarted = pool.withNumbers { pool in
            book.ema.restart(below: 1, fairShare: 4, from: 3, random: &random) {
                pool.part($0 * 2..<$0 * 2 + 2)
            }
        }
        #expect(restarted == 2)
        let codes = (0..<4).map { [book.codebook[2 * $0], book.codebook[2 * $0 + 1]] }
        #expect(abs(codes[0][0] - 1) < 0.05 && abs(codes[2][0] - 6) < 0.05)
        let places: [[Float]] = [[1, 2], [3, 4], [5, 6]]
        #expect(places.contains(codes[1]) && places.contains(codes[3]) && codes[1] != codes[3])
        #expect(book.counts[1] == 4 && book.counts[3] == 4)
        #expect(Array(book.sums[2..<4]) == codes[1].map { $0 * 4 })
    }

    @Test func moreDeadCodesThanVectorsWait() {
        let book = TestCodebook(codes: [1, 2, 3, 4], dimension: 1)
        book.ema.start(fairShare: 0.1)
        var random = random(7)
        var pool: [Float] = [9, 8]
        let restarted = pool.withNumbers { pool in
            book.ema.restart(below: 1, fairShare: 4, from: 2, random: &random) {
                pool.part($0..<$0 + 1)
            }
        }
        #expect(restarted == 2)
        #expect(Set(book.codebook) == [9, 8, 3, 4])
    }

    /// A code that nobody chooses shrinks in count and sum alike: it stays where it is, away from the origin.
    @Test func unusedCodesStayWhereTheyAre() {
        let book = TestCodebook(codes: [3, -4, 2, 2], dimension: 2)
        book.ema.start(fairShare: 1)
        for _ in 0..<100 {
            book.ema.follow(
                hits: { $0 == 0 ? 2 : 0 }, hitSums: { [6, -8, 0, 0][$0] }, decay: 0.99,
                by: .euclidean)
        }
        #expect(zip(book.codebook, [3, -4, 2, 2]).allSatisfy { abs($0 - Float($1)) < 1e-2 })
    }

    @Test func perplexityCountsCodesInEqualUse() {
        var use = CodeUse(codes: 5)
        #expect(use.perplexity == nil && use.active == 0)
        use.add([0, 1, 2, 3, 0, 1, 2, 3] as [Int32])
        #expect(abs((use.perplexity ?? 0) - 4) < 1e-12)
        use.add([0, 0, 0, 0, 92] as [Double])
        #expect(use.active == 5 && use.total == 100)
        #expect((use.perplexity ?? 9) < 1.6)
    }

    @Test func choicesAreDifferentAndFromTheWholeRange() {
        var random = random(8)
        let chosen = random.choose(40, of: 50)
        #expect(Set(chosen).count == 40 && chosen.allSatisfy { (0..<50).contains($0) })
        #expect(random.choose(0, of: 3).isEmpty)
    }

    // MARK: Standardisation

    @Test func runningStatisticsFindASmallVarianceBesideALargeMean() {
        let tape = Tape(parameters: Parameters(ParameterList(), seed: 0))
        defer { withExtendedLifetime(tape) {} }
        let storage = tape.numbers([Float]([0, 0, 1, 1, 0]))
        let running = RunningStandardisation(
            columns: 2, means: storage.part(0..<2), variances: storage.part(2..<4),
            batches: storage.part(4..<5))
        var random = random(9)
        for _ in 0..<200 {
            var sums = [Float](repeating: 0, count: 4)
            let x = (0..<64).flatMap { _ in
                [100 + 0.01 * Float(random.nextNormal()), -3 + 2 * Float(random.nextNormal())]
            }
            sums.withNumbers {
                running.measure(
                    tape.matrix(x, columns: 2), deviations: $0.part(0..<2),
                    squares: $0.part(2..<4))
            }
            running.follow(
                deviations: { Double(sums[$0]) / 64 }, squares: { Double(sums[2 + $0]) / 64 })
        }
        #expect(abs(storage[0] - 100) < 2e-3 && abs(storage[1] + 3) < 0.3)
        #expect(abs(storage[2].squareRoot() / 0.01 - 1) < 0.1)
        #expect(abs(storage[3].squareRoot() / 2 - 1) < 0.1)
    }
}
