import Evaluation
import LinearAlgebra
import TestSupport
import Testing

/// Measures against golden numbers, to 1e-9 or to the last digit of the floats that they are stored as.
@Suite struct MetricGoldenTests {
    private func check(_ actual: [Double?], _ golden: GoldenTensor, _ name: String) {
        #expect(actual.count == golden.doubles.count, "\(name)")
        for (a, b) in zip(actual, golden.doubles) {
            let a = a ?? .nan
            let isStoredAsFloat = Double(Float(b)) == b
            #expect(
                isStoredAsFloat ? Float(a) == Float(b) : abs(a - b) <= 1e-9, "\(name) \(a) \(b)")
        }
    }

    @Test(arguments: GoldenCase.all("eval_"))
    func multiLabel(golden: GoldenCase) throws {
        let classes = golden.integer("classes")
        let labels = golden("labels").integers
        let count = golden("labels").shape[0]
        let scored = try ScoredRecords(
            name: golden.name, classes: (0..<classes).map { "\($0)" },
            scores: Matrix(rows: count, columns: classes, values: golden("scores").doubles),
            truths: (0..<count).map { row in
                (0..<classes).filter { labels[row * classes + $0] == 1 }
            })
        let auroc = scored.auroc(counting: scored.once)
        let support = scored.support(counting: scored.once)
        check(auroc, golden("auroc_per_class64"), "auroc")
        check([ClassMean.macro(auroc)], golden("auroc_macro64"), "macro")
        check([ClassMean.weighted(auroc, by: support)], golden("auroc_weighted64"), "weighted")
        check(
            [ClassMean.macro(scored.averagePrecision(counting: scored.once))],
            golden("average_precision_macro64"), "average precision")
        // The scores are logits, so a probability of one half is at 0.
        let half = scored.f1(
            of: scored.decisions(.thresholds(Array(repeating: 0, count: classes))),
            counting: scored.once)
        check(half, golden("f1_per_class_at_half64"), "f1 at half")
        check([ClassMean.macro(half)], golden("f1_macro_at_half64"), "macro f1")
        let best = scored.f1(
            of: scored.decisions(.thresholds(scored.bestThresholds)), counting: scored.once)
        check(best, golden("f1_best_threshold_per_class64"), "best f1")
        check(
            scored.ranked.map { $0.bestThreshold().f1 }, golden("f1_best_threshold_per_class64"),
            "f1 of the best threshold")
    }

    @Test(arguments: GoldenCase.all("eval_"))
    func clustersAndNeighbours(golden: GoldenCase) throws {
        let (count, width) = (golden("x").shape[0], golden("x").shape[1])
        let features = Matrix(rows: count, columns: width, values: golden("x").doubles)
        let labels = golden("cluster").integers
        let classes = golden.integer("classes")
        let clusters = try ClusterMeasures(features, labels: labels)
        check([clusters.daviesBouldin], golden("davies_bouldin64"), "Davies-Bouldin")
        check([clusters.silhouette], golden("silhouette64"), "Silhouette")
        check([clusters.calinskiHarabasz], golden("calinski_harabasz64"), "Calinski-Harabasz")
        let half = count / 2
        let neighbours = try NearestNeighbours(
            features.selecting(rows: Array(0..<half)), labels: Array(labels[..<half]),
            classes: classes, distance: .euclidean)
        let shares = try neighbours.shares(
            of: features.selecting(rows: Array(half..<count)), count: 5)
        check(shares.values, golden("knn5.prob"), "shares")
        let scored = try ScoredRecords(
            name: golden.name, classes: (0..<classes).map { "\($0)" }, scores: shares,
            truths: labels[half...].map { [$0] })
        let decisions = scored.decisions(.highest)
        let named = (0..<scored.recordCount).map { row in
            Double((0..<classes).first { decisions[$0][row] } ?? -1)
        }
        check(named, golden("knn5.pred"), "classes")
        let auroc = scored.auroc(counting: scored.once)
        let support = scored.support(counting: scored.once)
        check([ClassMean.macro(auroc)], golden("multiclass.auroc_ovr_macro64"), "macro")
        check(
            [ClassMean.weighted(auroc, by: support)], golden("multiclass.auroc_ovr_weighted64"),
            "weighted")
        let f1 = scored.f1(of: decisions, counting: scored.once)
        check([ClassMean.macro(f1)], golden("multiclass.f1_macro64"), "macro f1")
        check([ClassMean.weighted(f1, by: support)], golden("multiclass.f1_weighted64"), "f1")
    }
}
