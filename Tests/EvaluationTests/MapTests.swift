import Evaluation
import Foundation
import LinearAlgebra
import Statistics
import Testing

/// Maps against scikit-learn's `PCA` and `TSNE(method="exact", init="pca")` on the same numbers.
@Suite struct MapTests {
    private func matrix(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Double) -> Matrix {
        Matrix(
            rows: rows, columns: columns,
            values: (0..<rows).flatMap { row in (0..<columns).map { value(row, $0) } })
    }
    private var tall: Matrix {
        matrix(40, 4) { sin(1.7 * Double($0 * ($1 + 1))) + 0.1 * Double(($0 * $1) % 3) }
    }
    private var wide: Matrix {
        matrix(5, 8) { cos(1.3 * Double($0 * ($1 + 2))) + 0.2 * Double(($0 + $1) % 3) }
    }
    /// Three groups of 30 records.
    private var grouped: Matrix {
        matrix(90, 6) { ($0 % 3 == $1 ? 3 : 0) + sin(1.1 * Double($0 * ($1 + 1))) }
    }

    @Test func principalComponentsAreScikitLearns() throws {
        let components = try PrincipalComponents(fittedTo: tall, count: 3)
        expect(
            components.variances, [0.5409348198710137, 0.5019603417186512, 0.4852585808733041])
        expect([components.totalVariance], [2.0063066699856753])
        expect(
            Array(components.directions.row(0)),
            [
                -0.30797575806176003, -0.09685931989759561, 0.743038815244071,
                -0.5862273651374063,
            ])
        expect(
            Array(components(tall).row(1)),
            [-1.119476346675376, 0.758216815062119, 0.03658766180088917])
    }

    @Test func fewerRecordsThanNumbersHaveTheSameComponents() throws {
        let components = try PrincipalComponents(fittedTo: wide, count: 7)
        // Five records differ in four directions.
        expect(
            components.variances,
            [2.187187322918231, 1.493021868448292, 0.6891394966320269, 0.5833113354326683])
        expect(
            Array(components(wide).row(0)),
            [2.5098640614127046, 0.6105233153885672, 0.21257419356102092, 0.05196486737581901])
        expect(
            Array(components.directions.row(0)[..<4]),
            [0.40294459375083913, 0.42478255998463016, 0.42889404613279314, 0.010874856048846863])
    }

    @Test func allComponentsTogetherKeepEveryDistance() throws {
        let components = try PrincipalComponents(fittedTo: tall, count: 4)
        let turned = components(tall)
        for (a, b) in [(0, 1), (3, 17), (8, 39)] {
            func distance(_ m: Matrix) -> Double {
                zip(m.row(a), m.row(b)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
            expect([distance(turned)], [distance(tall)])
        }
    }

    @Test func whatDoesNotVaryHasNoComponents() throws {
        let same = matrix(6, 3) { _, column in Double(column) }
        #expect(try PrincipalComponents(fittedTo: same, count: 2).variances.isEmpty)
        let line = matrix(6, 3) { row, column in Double(row * column) }
        let found = try PrincipalComponents(fittedTo: line, count: 3)
        #expect(found.variances.count == 1)
        expect([found.variances[0]], [found.totalVariance])
    }

    @Test(arguments: [
        (5, 0.3174013200874767, 0.944579945799458), (10, 0.3185383034882502, 0.9488888888888889),
        (25, 0.22559910087475474, 0.9511924119241193),
    ])
    func tSNEIsAsGoodAsScikitLearns(perplexity: Double, divergence: Double, trust: Double) throws {
        let found = try StochasticNeighbourEmbedding(grouped, perplexity: perplexity, seed: 0)
        #expect(found.divergence <= divergence + 0.01, "\(found.divergence)")
        #expect(
            Trustworthiness.of(found.places, for: grouped, neighbours: 5) >= trust - 0.01)
        let again = try StochasticNeighbourEmbedding(grouped, perplexity: perplexity, seed: 0)
        #expect(found.places == again.places)
    }

    @Test func theScaleOfFeaturesDoesNotMoveAMap() throws {
        let huge = Matrix(rows: 90, columns: 6, values: grouped.values.map { $0 * 0x1p40 })
        let (a, b) = (
            try StochasticNeighbourEmbedding(grouped, perplexity: 10, seed: 0),
            try StochasticNeighbourEmbedding(huge, perplexity: 10, seed: 0)
        )
        #expect(abs(a.divergence - b.divergence) < 0.02)
    }

    @Test func recordsThatAreEqualAreNoTrouble() throws {
        let twice = matrix(40, 3) { row, column in Double(row / 2 * (column + 1) % 7) }
        let found = try StochasticNeighbourEmbedding(twice, perplexity: 5, seed: 0)
        #expect(found.places.values.allSatisfy { $0.isFinite } && found.divergence.isFinite)
        let same = matrix(20, 3) { _, _ in 1 }
        let placed = try StochasticNeighbourEmbedding(same, perplexity: 5, seed: 0)
        #expect(placed.places.values.allSatisfy { $0.isFinite })
    }

    @Test func refusesByName() {
        #expect(throws: MetricError.unfitPerplexity(30, records: 90)) {
            try StochasticNeighbourEmbedding(grouped, perplexity: 30, seed: 0)
        }
        #expect(throws: MetricError.empty(what: "principal components")) {
            try PrincipalComponents(fittedTo: Matrix(rows: 0, columns: 3), count: 2)
        }
        #expect(throws: MetricError.notFinite(what: "features", row: 1, value: .infinity)) {
            try PrincipalComponents(
                fittedTo: Matrix(rows: 2, columns: 2, values: [0, 1, .infinity, 1]), count: 2)
        }
    }

    @Test func aMapOfTooManyRecordsIsOfASample() throws {
        let settings = MapSettings(perplexity: 30, recordLimit: 20)
        let map = try RecordMap(grouped, fittedTo: tall.widened(to: 6), settings: settings, seed: 4)
        #expect(map.rows.count == 20 && map.rows == map.rows.sorted())
        #expect(Set(map.rows).count == 20 && map.components.rows == 20)
        // Nineteen others have a third of them as neighbours.
        #expect(map.neighbours?.perplexity == 19.0 / 3)
        let few = try RecordMap(
            grouped.selecting(rows: [0, 1]), fittedTo: grouped, settings: settings, seed: 4)
        #expect(few.neighbours == nil && few.components.rows == 2)
    }
}

/// How far neighbours in a plane were neighbours before (Venna and Kaski, 2001), as scikit-learn counts it.
private enum Trustworthiness {
    static func of(_ places: Matrix, for features: Matrix, neighbours k: Int) -> Double {
        func order(_ m: Matrix, _ row: Int) -> [Int] {
            let own = Array(m.row(row))
            let distances = (0..<m.rows).map { other in
                zip(own, m.row(other)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
            return (0..<m.rows).filter { $0 != row }.sorted { distances[$0] < distances[$1] }
        }
        let n = features.rows
        var penalty = 0
        for row in 0..<n {
            let before = order(features, row)
            for other in order(places, row).prefix(k) {
                let rank = (before.firstIndex(of: other) ?? 0) + 1
                penalty += max(0, rank - k)
            }
        }
        return 1 - Double(penalty) * 2 / Double(n * k * (2 * n - 3 * k - 1))
    }
}
