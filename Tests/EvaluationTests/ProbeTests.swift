import Evaluation
import Foundation
import LinearAlgebra
import Statistics
import TestSupport
import Testing

/// Probes against scikit-learn's (`LogisticRegression(C, tol=1e-12)`, `Ridge`) on the same numbers.
@Suite struct ProbeTests {
    private let count = 40
    private var features: Matrix {
        var x = Matrix(rows: count, columns: 4)
        for i in 0..<count {
            for j in 0..<4 {
                let angle = 1.7 * Double(i) * Double(j + 1)
                x[i, j] = sin(angle) + 0.1 * Double((i * j) % 3)
            }
        }
        return x
    }
    private var multiLabels: [[Int]] {
        let x = features
        return (0..<count).map { i in
            let (a, b) = (0.3 * cos(5 * Double(i)), 0.5 * cos(3 * Double(i)))
            let first = x[i, 0] + a > 0
            let second = x[i, 1] - x[i, 2] + b > 0.2
            return (first ? [0] : []) + (second ? [1] : [])
        }
    }
    private var singleLabels: [[Int]] {
        let x = features
        return (0..<count).map { i in
            x[i, 0] > 0.3 ? [0] : x[i, 1] + 0.4 * cos(7 * Double(i)) > 0 ? [1] : [2]
        }
    }

    @Test(arguments: [
        (0.01, 1.3472709078420058), (1, 0.6871623337196279), (100, 0.3227452199541762),
    ])
    func reachesTheOptimumWithSeveralLabels(strength: Double, objective: Double) throws {
        let solver = try LogisticSolver(
            features, truths: multiLabels, classes: 2, kind: .multiLabel)
        let found = solver.fit(penalty: 1 / (strength * Double(count)))
        #expect(found.isConverged)
        expect([found.objective], [objective], within: 1e-10)
        guard strength == 1 else { return }
        expect(
            Array(found.weights.row(0)) + [found.biases[0]],
            [
                2.722134815273119, -0.10868037068770002, 0.8367575666979308,
                -0.08041263193162268, -0.08328272080945356,
            ], within: 1e-6)
    }

    @Test(arguments: [(0.1, 0.8526072973600298), (10, 0.27643045677779987)])
    func reachesTheOptimumWithOneLabel(strength: Double, objective: Double) throws {
        let solver = try LogisticSolver(
            features, truths: singleLabels, classes: 3, kind: .singleLabel)
        let found = solver.fit(penalty: 1 / (strength * Double(count)))
        expect([found.objective], [objective], within: 1e-10)
        let shares = found.probabilities(features)
        for row in 0..<count { expect([shares.row(row).reduce(0, +)], [1]) }
    }

    @Test func startingElsewhereEndsAtTheSameOptimum() throws {
        let solver = try LogisticSolver(
            features, truths: multiLabels, classes: 2, kind: .multiLabel)
        let far = solver.fit(penalty: 10)
        let (cold, warm) = (solver.fit(penalty: 0.003), solver.fit(penalty: 0.003, from: far))
        expect([cold.objective], [warm.objective], within: 1e-12)
        expect(cold.weights.values, warm.weights.values, within: 1e-5)
        #expect(solver.fit(penalty: 0.003).weights == cold.weights)
    }

    @Test func moreFeaturesThanRecordsAreNoTrouble() throws {
        var random = SeededRandom(seed: 8)
        let wide = Matrix(
            rows: 30, columns: 200,
            values: (0..<6000).map { _ in Double.random(in: -1...1, using: &random) })
        let found = try LogisticSolver(
            wide, truths: (0..<30).map { [$0 % 3] }, classes: 3, kind: .singleLabel
        ).fit(penalty: 1e-4)
        #expect(found.isConverged)
        let scores = found.probabilities(wide)
        for row in 0..<30 { #expect(scores[row, row % 3] > 0.9) }
    }

    @Test func refusesByName() {
        #expect(throws: MetricError.oneClass(what: "training records of the probe, class number 1"))
        {
            try LogisticSolver(
                features, truths: (0..<count).map { $0 % 2 == 0 ? [0, 1] : [1] },
                classes: 2, kind: .multiLabel)
        }
        #expect(throws: MetricError.empty(what: "training records of the probe")) {
            try LogisticSolver(
                Matrix(rows: 0, columns: 4), truths: [], classes: 2, kind: .multiLabel)
        }
    }

    @Test func ridgeAgreesWithScikitLearn() throws {
        let x = features
        let targets = (0..<count).map { i -> Double in
            let wave: Double = 0.3 + cos(11 * Double(i))
            return x[i, 0] - 2 * x[i, 1] + 0.5 * x[i, 2] + wave
        }
        let fit = try #require(
            try RidgeRegression.fits(x, targets: targets, penalties: [0.1]).first)
        let predictions = fit(x)
        expect(
            Array(predictions[..<3]),
            [0.26493612359567664, 1.0430490328124529, -1.4591427700303783])
        expect(
            [
                rSquared(
                    predictions, of: targets, counting: Array(repeating: 1, count: count))
            ], [0.8217042661133641])
    }

    @Test func neighboursComeInOrderOfTrainingWhereEquallyNear() throws {
        let training = Matrix(rows: 4, columns: 1, values: [1, -1, 1, 5])
        let neighbours = try NearestNeighbours(
            training, labels: [0, 1, 2, 2], classes: 3, distance: .euclidean)
        let query = Matrix(rows: 1, columns: 1, values: [0])
        #expect(try neighbours.shares(of: query, count: 1).values == [1, 0, 0])
        #expect(try neighbours.shares(of: query, count: 2).values == [0.5, 0.5, 0])
        #expect(throws: MetricError.tooFewNeighbours(wanted: 5, records: 4)) {
            try neighbours.shares(of: query, count: 5)
        }
    }

    @Test func cosineLooksAtDirectionsAlone() throws {
        let training = Matrix(rows: 2, columns: 2, values: [100, 1, 0.1, 0.2])
        let neighbours = try NearestNeighbours(
            training, labels: [0, 1], classes: 2, distance: .cosine)
        let query = Matrix(rows: 1, columns: 2, values: [1, 0])
        #expect(try neighbours.shares(of: query, count: 1).values == [1, 0])
    }

    @Test func meansFindGroupsThatAreFarApart() throws {
        var random = SeededRandom(seed: 2)
        let truth = (0..<60).map { $0 % 3 }
        let features = Matrix(
            rows: 60, columns: 2,
            values: truth.flatMap {
                [
                    Double($0 * 10) + Double.random(in: -1...1, using: &random),
                    Double($0 % 2 * 7) + Double.random(in: -1...1, using: &random),
                ]
            })
        let groups = try KMeans(features, clusters: 3, seed: 1)
        #expect(try PartitionAgreement.adjustedRand(groups.labels, truth) == 1)
        #expect(try KMeans(features, clusters: 3, seed: 1).labels == groups.labels)
    }

    @Test func constantsAreNotBlownUp() {
        let scaled = Standardisation(
            fittedTo: Matrix(rows: 3, columns: 2, values: [0.1, 1, 0.1, 2, 0.1, 3])
        )(Matrix(rows: 1, columns: 2, values: [0.1, 2]))
        expect(scaled.values, [0, 0])
    }
}
