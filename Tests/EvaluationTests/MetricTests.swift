import Evaluation
import LinearAlgebra
import Statistics
import TestSupport
import Testing

/// Measures against numbers that scikit-learn gave for the same inputs.
@Suite struct MetricTests {
    private let labels = [[0, 2], [2], [0, 1], [1], [0], [2], [1], [0, 2]]
    private let scores = Matrix(
        rows: 8, columns: 3,
        values: [
            0.9, 0.2, 0.5, 0.4, 0.2, 0.5, 0.4, 0.8, 0.1, 0.1, 0.5, 0.5,
            0.7, 0.5, 0.3, 0.4, 0.1, 0.9, 0.6, 0.6, 0.2, 0.5, 0.2, 0.4,
        ])

    private func scored() throws -> ScoredRecords {
        try ScoredRecords(
            name: "test", classes: ["a", "b", "c"], scores: scores, truths: labels)
    }

    @Test func rankingsAgreeWithScikitLearn() throws {
        let scored = try scored()
        let auroc = scored.auroc(counting: scored.once)
        expect(auroc, [0.8125, 0.9666666666666667, 0.875])
        expect([ClassMean.macro(auroc)], [0.8847222222222223])
        expect(
            [ClassMean.weighted(auroc, by: scored.support(counting: scored.once))],
            [0.8772727272727273])
        expect(
            scored.averagePrecision(counting: scored.once),
            [0.8303571428571428, 0.9166666666666665, 0.825])
    }

    @Test func curvesHaveTheAreaThatRanksSay() throws {
        for ranked in try scored().ranked {
            let points = ranked.curve
            #expect(points.first.map { $0 == (0, 0) } == true)
            #expect(points.last.map { $0 == (1, 1) } == true)
            let area = zip(points, points.dropFirst()).reduce(0) { sum, pair in
                sum + (pair.1.falsePositives - pair.0.falsePositives)
                    * (pair.1.truePositives + pair.0.truePositives) / 2
            }
            expect([area], [try ranked.auroc()])
        }
        let oneSided = try RankedScores(name: "x", scores: [1, 2], truths: [true, true])
        #expect(oneSided.curve.isEmpty)
    }

    @Test func confusionsCountRecordsByWhatIsTrueAndWhatIsSaid() throws {
        let report = try ClassificationReport(
            ScoredRecords(
                name: "test", classes: ["a", "b"],
                scores: Matrix(
                    rows: 4, columns: 2, values: [0.9, 0.1, 0.5, 0.5, 0.2, 0.8, 0.7, 0.3]),
                truths: [[0], [0], [1], [1]]),
            decision: .highest, scoresAreProbabilities: false, seed: 0)
        // A tie is the first class's.
        #expect(
            report.summary.json["confusion"] == ["a": ["a": 2, "b": 0], "b": ["a": 1, "b": 1]])
    }

    @Test func decisionsAtHalfAgreeWithScikitLearn() throws {
        let scored = try scored()
        let decisions = scored.decisions(.thresholds([0.5, 0.5, 0.5]))
        expect(
            scored.f1(of: decisions, counting: scored.once),
            [0.75, 0.8571428571428571, 0.75])
    }

    @Test func theBestThresholdIsTheLowestOfTheBest() throws {
        // From 0.8 down to 0.6 one more record each time, F1 1/1, then 2/3; at 0.3 it is 1 again.
        let ranked = try RankedScores(
            name: "test", scores: [0.9, 0.7, 0.3, 0.1], truths: [true, false, true, true])
        #expect(ranked.bestThreshold().threshold == 0.1)
        let tie = try RankedScores(
            name: "test", scores: [0.9, 0.5, 0.4, 0.3], truths: [true, false, false, true])
        // 0.9 and 0.3 both give 2/3.
        #expect(tie.bestThreshold().threshold == 0.3)
    }

    @Test func weightsCountRecordsAsOftenAsRepetitionDoes() throws {
        var random = SeededRandom(seed: 5)
        let weights = (0..<8).map { _ in Double(Int.random(in: 0...3, using: &random)) }
        let scored = try scored()
        let repeated = (0..<8).flatMap { Array(repeating: $0, count: Int(weights[$0])) }
        let long = try ScoredRecords(
            name: "test", classes: ["a", "b", "c"], scores: scores.selecting(rows: repeated),
            truths: repeated.map { labels[$0] })
        expect(scored.auroc(counting: weights), long.auroc(counting: long.once))
        expect(
            scored.averagePrecision(counting: weights),
            long.averagePrecision(counting: long.once))
        let decision = ScoredRecords.Decision.highest
        expect(
            scored.f1(of: scored.decisions(decision), counting: weights),
            long.f1(of: long.decisions(decision), counting: long.once))
    }

    @Test func clusterMeasuresAgreeWithScikitLearn() throws {
        let features = Matrix(
            rows: 8, columns: 2, values: [0, 0, 1, 0, 0, 2, 5, 5, 6, 5, 5, 7, -4, 3, -5, 3])
        let three = try ClusterMeasures(features, labels: [7, 7, 7, 1, 1, 1, 2, 2])
        expect(
            [three.daviesBouldin, three.silhouette, three.calinskiHarabasz],
            [0.2869473949405544, 0.7386580065524073, 54.31686046511626])
        let withSingles = try ClusterMeasures(features, labels: [0, 0, 0, 1, 1, 1, 2, 3])
        expect(
            [withSingles.daviesBouldin, withSingles.silhouette, withSingles.calinskiHarabasz],
            [0.2400644945443281, 0.522896672208589, 31.241666666666656])
        #expect(throws: MetricError.unfitClusters(clusters: 1, records: 8)) {
            try ClusterMeasures(features, labels: Array(repeating: 3, count: 8))
        }
    }

    @Test func recordsThatAreAllEqualHaveNoClusters() throws {
        let measures = try ClusterMeasures(
            Matrix(rows: 4, columns: 2, values: Array(repeating: 1.5, count: 8)),
            labels: [0, 0, 1, 1])
        expect(
            [measures.daviesBouldin, measures.silhouette, measures.calinskiHarabasz], [0, 0, 1])
    }

    @Test func partitionsAgreeAsScikitLearnSays() throws {
        #expect(
            try PartitionAgreement.adjustedRand([0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2])
                == 0.4444444444444444)
        #expect(try PartitionAgreement.adjustedRand([0, 0, 0], [4, 4, 4]) == 1)
        #expect(try PartitionAgreement.adjustedRand([0, 1, 2], [2, 0, 1]) == 1)
        #expect(try PartitionAgreement.adjustedRand([0, 0, 0, 0], [0, 1, 2, 3]) == 0)
    }

    @Test func refusesByName() throws {
        #expect(throws: MetricError.notFinite(what: "x", row: 1, value: .infinity)) {
            try RankedScores(name: "x", scores: [0, .infinity], truths: [true, false])
        }
        #expect {
            try RankedScores(name: "x", scores: [.nan, 0], truths: [true, false])
        } throws: {
            guard case .notFinite(what: "x", row: 0, _)? = $0 as? MetricError else { return false }
            return true
        }
        #expect(throws: MetricError.empty(what: "fold 10")) {
            try RankedScores(name: "fold 10", scores: [], truths: [])
        }
        let single = try RankedScores(name: "MI", scores: [1, 2], truths: [true, true])
        #expect(throws: MetricError.oneClass(what: "MI")) { try single.auroc() }
        #expect(throws: MetricError.oneClass(what: "MI")) { try DeLong(single) }
        #expect(single.auroc(counting: single.once) == nil)
    }

    @Test func aClassWithoutRecordsIsLeftOutAndNamed() throws {
        let scored = try ScoredRecords(
            name: "test", classes: ["a", "b"],
            scores: Matrix(rows: 3, columns: 2, values: [0.1, 0.2, 0.9, 0.3, 0.2, 0.4]),
            truths: [[], [0], []])
        let report = try ClassificationReport(
            scored, decision: .thresholds([0.5, 0.5]), scoresAreProbabilities: true, seed: 1)
        #expect(report.summary.json["auroc_macro"]?.doubleValue == 1)
        #expect(report.summary.json["classes_left_out"] == ["b"])
        #expect(report.summary.json["auroc"]?["b"] == .null)
    }
}

/// Numbers that agree to 1e-9.
func expect(
    _ actual: [Double?], _ expected: [Double?], within bound: Double = 1e-9,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(actual.count == expected.count, sourceLocation: sourceLocation)
    for (a, b) in zip(actual, expected) {
        guard let a, let b else {
            #expect(a == b, sourceLocation: sourceLocation)
            continue
        }
        #expect(abs(a - b) <= bound, "\(a) instead of \(b)", sourceLocation: sourceLocation)
    }
}
