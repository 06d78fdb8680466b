import Foundation
import Runtime

/// Models side by side, as text.
public enum ResultTable {
    /// What classifiers make of features: the probe and k-NN, on the test fold.
    public static func classification(_ models: [EvaluatedModel]) -> [[String]] {
        [
            [
                "features", "numbers", "linear AUROC", "F1 at 0.5", "F1", "k-NN AUROC",
                "k-NN F1 weighted",
            ]
        ]
            + models.map { model in
                let results = model.results
                let (linear, near) = (
                    results.linear?.test, results.neighbours?.variants.first?.test
                )
                return [
                    model.name, "\(results.dimension)",
                    cell(linear) { $0.macroAUROC }, cell(linear) { $0.macroF1AtHalf },
                    cell(linear) { $0.macroF1 }, cell(near) { $0.macroAUROC },
                    cell(near) { $0.weightedF1 },
                ]
            }
    }

    /// How far apart classes lie, on the test fold's records with one label: in the features as they are, and in as
    /// many principal components for all.
    public static func clusters(_ models: [EvaluatedModel]) -> [[[String]]] {
        guard models.contains(where: { $0.results.clusters != nil }) else { return [] }
        return [
            clusters(models, heading: "features") { $0.results.clusters?.whole },
            clusters(models, heading: "principal components") { $0.results.clusters?.reduced },
        ]
    }

    private static func clusters(
        _ models: [EvaluatedModel], heading: String,
        in space: (EvaluatedModel) -> ClusterProtocol.Space?
    ) -> [[String]] {
        [
            [
                heading, "numbers", "records", "Davies-Bouldin", "Silhouette",
                "Calinski-Harabasz", "CHI/(n-k)", "adjusted Rand",
            ]
        ]
            + models.compactMap { model in
                guard let space = space(model) else { return nil }
                let classes = space.classes
                return [
                    model.name, "\(space.dimension)", "\(classes.recordCount)",
                    decimals(classes.daviesBouldin), decimals(classes.silhouette),
                    decimals(classes.calinskiHarabasz),
                    decimals(classes.calinskiHarabaszPerRecord, 4),
                    decimals(space.adjustedRand),
                ]
            }
    }

    /// How well clinical parameters are read out, the best first.
    public static func parameters(_ model: EvaluatedModel) -> [[String]] {
        let readings = (model.results.parameters?.readings ?? []).sorted {
            ($0.rSquared ?? -.infinity, $1.name) > ($1.rSquared ?? -.infinity, $0.name)
        }
        return [["parameter", "records", "R²", "95 %"]]
            + readings.map { reading in
                [
                    reading.name, "\(reading.recordCount)",
                    reading.rSquared.map { decimals($0) } ?? "",
                    reading.interval.map { "\(decimals($0.lower)) to \(decimals($0.upper))" } ?? "",
                ]
            }
    }

    /// What the probe is worth on groups of records, each beside all others on the same classes.
    public static func subgroups(_ model: EvaluatedModel) -> [[String]] {
        guard let (test, external) = model.results.linearSubgroups else { return [] }
        let splits = [("fold 10", test)] + (external.map { [("external", $0)] } ?? [])
        return [["records of", "group", "records", "linear AUROC", "all others", "classes"]]
            + splits.flatMap { split, report in
                report.readings.map { reading in
                    guard let macro = reading.macro else {
                        return [
                            split, reading.group.rawValue, "\(reading.recordCount)", "too small",
                            "",
                            "",
                        ]
                    }
                    let counted = reading.auroc.indices.filter { reading.auroc[$0] != nil }
                    return [
                        split, reading.group.rawValue, "\(reading.recordCount)",
                        decimals(macro.area)
                            + (macro.interval.map {
                                " (\(decimals($0.lower))-\(decimals($0.upper)))"
                            } ?? ""),
                        reading.others.map { decimals($0) } ?? "",
                        counted.map { LabelledRecords.classNames[$0] }.joined(separator: " "),
                    ]
                }
            }
    }

    /// How a model differs from others on the same records.
    public static func differences(
        of model: EvaluatedModel, to others: [EvaluatedModel]
    ) -> [[String]] {
        [["\(model.name) less", "measure", "difference", "95 %", "p"]]
            + others.flatMap { other in
                PairedComparison(model.results, less: other.results).differences.compactMap {
                    name, difference in
                    difference.map {
                        [
                            other.name, name.rawValue, decimals($0.difference),
                            "\(decimals($0.interval.lower)) to \(decimals($0.interval.upper))",
                            decimals($0.pValue),
                        ]
                    }
                }
            }
    }

    /// What the heads of fine-tuned encoders say, on the test fold.
    public static func finetuning(_ models: [EvaluatedModel]) -> [[String]] {
        [["fine-tuned", "step", "fold-9 AUROC", "AUROC", "F1 at 0.5", "F1", "average precision"]]
            + models.compactMap { model in
                guard let head = model.results.finetune else { return nil }
                return [
                    model.name, "\(head.step)", decimals(head.validationAUROC),
                    cell(head.test) { $0.macroAUROC }, cell(head.test) { $0.macroF1AtHalf },
                    cell(head.test) { $0.macroF1 }, cell(head.test) { $0.macroAveragePrecision },
                ]
            }
    }

    /// What fewer labels give: the mean over draws, and their deviation where there are several.
    public static func labelEfficiency(_ models: [EvaluatedModel]) -> [[String]] {
        func cell(_ values: [Double]) -> String {
            let (mean, deviation) = LabelEfficiency.Point.spread(values)
            return decimals(mean) + (deviation.isNaN ? "" : " ± \(decimals(deviation))")
        }
        return [["features", "protocol", "labels", "records", "draws", "AUROC", "F1"]]
            + models.flatMap { model -> [[String]] in
                let found = model.results.labelEfficiency ?? LabelEfficiency()
                return [("linear", found.linear), ("finetune", found.finetune)].flatMap {
                    name, points in
                    points.map { point in
                        [
                            model.name, name, "\(decimals(100 * point.fraction, 1)) %",
                            "\(point.records.reduce(0, +) / point.records.count)",
                            "\(point.records.count)", cell(point.auroc), cell(point.f1),
                        ]
                    }
                }
            }
    }

    private static func cell(
        _ report: ClassificationReport?, _ measure: (ClassificationReport) -> ([Double]) -> Double?
    ) -> String {
        guard let report, let value = measure(report)(report.scored.once) else { return "" }
        let interval = report.resamples.interval(of: measure(report))
        return decimals(value)
            + (interval.map { " (\(decimals($0.lower))-\(decimals($0.upper)))" } ?? "")
    }
}
