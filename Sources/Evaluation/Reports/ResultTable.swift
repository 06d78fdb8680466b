import Foundation

/// Contenders side by side, as text.
public enum ResultTable {
    /// What classifiers make of features: the probe and k-NN, on the test fold.
    public static func classification(_ contenders: [Contender]) -> [[String]] {
        [
            [
                "features", "numbers", "linear AUROC", "F1 at 0.5", "F1", "k-NN AUROC",
                "k-NN F1 weighted",
            ]
        ]
            + contenders.map { contender in
                let results = contender.results
                let (linear, near) = (
                    results.linear?.test, results.neighbours?.variants.first?.test
                )
                return [
                    contender.name, "\(results.dimension)",
                    cell(linear) { $0.macroAUROC }, cell(linear) { $0.macroF1AtHalf },
                    cell(linear) { $0.macroF1 }, cell(near) { $0.macroAUROC },
                    cell(near) { $0.weightedF1 },
                ]
            }
    }

    /// How far apart classes lie, on the test fold's records with one label: in the features as they are, and in as
    /// many principal components for all.
    public static func clusters(_ contenders: [Contender]) -> [[[String]]] {
        guard contenders.contains(where: { $0.results.clusters != nil }) else { return [] }
        return [
            clusters(contenders, heading: "features") { $0.results.clusters?.whole },
            clusters(contenders, heading: "principal components") { $0.results.clusters?.reduced },
        ]
    }

    private static func clusters(
        _ contenders: [Contender], heading: String,
        in space: (Contender) -> ClusterProtocol.Space?
    ) -> [[String]] {
        [
            [
                heading, "numbers", "records", "Davies-Bouldin", "Silhouette",
                "Calinski-Harabasz", "CHI/(n-k)", "adjusted Rand",
            ]
        ]
            + contenders.compactMap { contender in
                guard let space = space(contender) else { return nil }
                let classes = space.classes
                return [
                    contender.name, "\(space.dimension)", "\(classes.recordCount)",
                    text(classes.daviesBouldin), text(classes.silhouette),
                    text(classes.calinskiHarabasz), text(classes.calinskiHarabaszPerRecord, 4),
                    text(space.adjustedRand),
                ]
            }
    }

    /// How well clinical parameters are read out, the best first.
    public static func parameters(_ contender: Contender) -> [[String]] {
        let readings = (contender.results.parameters?.readings ?? []).sorted {
            ($0.share ?? -.infinity, $1.name) > ($1.share ?? -.infinity, $0.name)
        }
        return [["parameter", "records", "R²", "95 %"]]
            + readings.map { reading in
                [
                    reading.name, "\(reading.recordCount)", reading.share.map { text($0) } ?? "",
                    reading.interval.map { "\(text($0.lower)) to \(text($0.upper))" } ?? "",
                ]
            }
    }

    /// What the probe is worth on groups of records, each beside all others on the same classes.
    public static func subgroups(_ contender: Contender) -> [[String]] {
        guard let (test, external) = contender.results.linearSubgroups else { return [] }
        let parts = [("fold 10", test)] + (external.map { [("external", $0)] } ?? [])
        return [["records of", "group", "records", "linear AUROC", "all others", "classes"]]
            + parts.flatMap { part, report in
                report.readings.map { reading in
                    guard let macro = reading.macro else {
                        return [
                            part, reading.group.rawValue, "\(reading.recordCount)", "too small", "",
                            "",
                        ]
                    }
                    let counted = reading.auroc.indices.filter { reading.auroc[$0] != nil }
                    return [
                        part, reading.group.rawValue, "\(reading.recordCount)",
                        text(macro.area)
                            + (macro.interval.map { " (\(text($0.lower))-\(text($0.upper)))" } ?? ""),
                        reading.others.map { text($0) } ?? "",
                        counted.map { LabelledRecords.classNames[$0] }.joined(separator: " "),
                    ]
                }
            }
    }

    /// How a contender differs from others on the same records.
    public static func differences(
        of contender: Contender, to others: [Contender]
    ) -> [[String]] {
        [["\(contender.name) less", "measure", "difference", "95 %", "p"]]
            + others.flatMap { other in
                PairedComparison(contender.results, less: other.results).differences.compactMap {
                    name, difference in
                    difference.map {
                        [
                            other.name, name.rawValue, text($0.difference),
                            "\(text($0.interval.lower)) to \(text($0.interval.upper))",
                            text($0.pValue),
                        ]
                    }
                }
            }
    }

    /// What the heads of fine-tuned encoders say, on the test fold.
    public static func finetuning(_ contenders: [Contender]) -> [[String]] {
        [["fine-tuned", "step", "fold-9 AUROC", "AUROC", "F1 at 0.5", "F1", "average precision"]]
            + contenders.compactMap { contender in
                guard let head = contender.results.finetune else { return nil }
                return [
                    contender.name, "\(head.step)", text(head.validationAUROC),
                    cell(head.test) { $0.macroAUROC }, cell(head.test) { $0.macroF1AtHalf },
                    cell(head.test) { $0.macroF1 }, cell(head.test) { $0.macroAveragePrecision },
                ]
            }
    }

    /// What fewer labels give: the mean over draws, and their deviation where there are several.
    public static func labelEfficiency(_ contenders: [Contender]) -> [[String]] {
        func cell(_ values: [Double]) -> String {
            let (mean, deviation) = LabelEfficiency.Point.spread(values)
            return text(mean) + (deviation.isNaN ? "" : " ± \(text(deviation))")
        }
        return [["features", "protocol", "labels", "records", "draws", "AUROC", "F1"]]
            + contenders.flatMap { contender -> [[String]] in
                let found = contender.results.labelEfficiency ?? LabelEfficiency()
                return [("linear", found.linear), ("finetune", found.finetune)].flatMap {
                    name, points in
                    points.map { point in
                        [
                            contender.name, name, "\(text(100 * point.fraction, 1)) %",
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
        return text(value)
            + (interval.map { " (\(text($0.lower))-\(text($0.upper)))" } ?? "")
    }

    /// A number with so many decimals.
    public static func text(_ value: Double, _ digits: Int = 3) -> String {
        String(format: "%.\(digits)f", value)
    }
}
