import EvaluationSchema
import Runtime

extension EvaluationReport {
    // MARK: Diagnoses

    /// What classifiers make of all models' vectors, on one split of the records.
    func classification(_ split: TestedSplit) -> String {
        let measured = models.filter { model in
            let results = model.results
            return [
                results.linear?.probe[split], results.neighbours?[split], results.finetune?[split],
            ]
            .contains { $0?.aurocMacro != nil }
        }
        guard !measured.isEmpty else { return "" }
        let forests = [
            forest(measured, title: "Linear probe", chart: "Linear probe") {
                $0.linear?.probe[split]
            },
            forest(measured, title: "k-nearest neighbours", chart: "k-nearest neighbours") {
                $0.neighbours?[split]
            },
            forest(
                measured, title: "Further protocols", chart: "further protocols",
                suffix: ", \(Self.finetuned)"
            ) {
                $0.finetune?[split]
            },
        ]
        let records = measured[0].results.linear?.probe[split]?.records
        let count = records.map { "\($0) records. " } ?? ""
        return
            "<p>\(count)AUROC, the mean over the diagnoses, with 95 % intervals; the dashed line is chance. Whether two "
            + "rows differ is not seen from overlapping intervals, but from the paired differences below.</p>"
            + forests.compactMap(\.self).joined() + classificationTable(measured, split)
            + (isComparison && split == .test ? studyClassification : "")
    }

    private func forest(
        _ models: [ReportedModel], title: String, chart: String, suffix: String = "",
        _ part: (ModelSummary) -> ClassificationSummary?
    ) -> String? {
        let rows = models.compactMap { model in
            part(model.results)?.aurocMacro.map {
                IntervalChart.Row(
                    name: model.title + suffix, value: $0.value,
                    interval: $0.interval.map { ($0.lower, $0.upper) },
                    isFaint: model.isControl, text: $0.text)
            }
        }
        guard !rows.isEmpty else { return nil }
        return "<h3>\(title)</h3>"
            + IntervalChart(title: "AUROC, \(chart)", rows: rows, reference: 0.5).html
    }

    private func classificationTable(
        _ models: [ReportedModel], _ split: TestedSplit
    ) -> String {
        typealias Column = (title: String, measure: (ModelSummary) -> SchemaMeasure?)
        let probe: [Column] = [
            ("AUROC", { $0.linear?.probe[split]?.aurocMacro }),
            ("F1 at 0.5", { $0.linear?.probe[split]?.f1MacroAtHalf }),
            ("F1, chosen thresholds", { $0.linear?.probe[split]?.f1Macro }),
            ("average precision", { $0.linear?.probe[split]?.averagePrecisionMacro }),
            ("one label: AUROC", { $0.linear?.singleLabel?[split]?.aurocMacro }),
            ("one label: macro F1", { $0.linear?.singleLabel?[split]?.f1Macro }),
        ]
        let others: [Column] = [
            ("k-NN AUROC", { $0.neighbours?[split]?.aurocMacro }),
            ("k-NN AUROC, weighted", { $0.neighbours?[split]?.aurocWeighted }),
            ("k-NN F1, weighted", { $0.neighbours?[split]?.f1Weighted }),
            ("fine-tuned AUROC", { $0.finetune?[split]?.aurocMacro }),
            ("fine-tuned F1, chosen thresholds", { $0.finetune?[split]?.f1Macro }),
        ]
        // One table of all would be wider than a page.
        return [("Linear probe in numbers", probe), ("Other protocols in numbers", others)].map {
            title, columns in
            let shown = columns.filter { column in
                models.contains { column.measure($0.results) != nil }
            }
            let rows = models.filter { model in
                shown.contains { $0.measure(model.results) != nil }
            }
            guard !rows.isEmpty else { return "" }
            return "<h3>\(title)</h3>"
                + ReportPage.table(
                    header: ["vectors", "numbers"] + shown.map(\.title),
                    rows: rows.map { model in
                        [model.title, "\(model.results.dimension)"]
                            + shown.map { $0.measure(model.results)?.cell ?? "" }
                    })
        }.joined()
    }

    private var studyClassification: String {
        "<h3>The study's figures</h3>"
            + ReportPage.table(
                header: ["method", "AUROC", "F1"], rows: StudyFigures.classification)
            + "<p class=\"note\">\(StudyFigures.classificationNotes.htmlEscaped)</p>"
    }

    var differences: String {
        let first = models.first?.title ?? ""
        func cell(_ model: ReportedModel, _ measure: ComparedMeasure) -> String? {
            guard let found = model.difference?[measure] ?? nil else { return nil }
            return "\(signed(found.difference))\n\(signed(found.interval.lower)) to "
                + "\(signed(found.interval.upper)), p \(decimals(found.pValue))"
        }
        let tables = Self.measureTitles.compactMap { heading, titles -> String? in
            let measures = titles.filter { key, _ in models.contains { cell($0, key) != nil } }
            let rows = models.compactMap { model -> [String]? in
                let cells = measures.map { cell(model, $0.0) }
                guard cells.contains(where: { $0 != nil }) else { return nil }
                return [model.title] + cells.map { $0 ?? "" }
            }
            guard !rows.isEmpty else { return nil }
            return "<h3>\(heading)</h3>"
                + ReportPage.table(header: ["\(first) less"] + measures.map(\.1), rows: rows)
        }
        guard !tables.isEmpty else { return "" }
        return
            "<p>What \(first.htmlEscaped) has more than each other model, with the 95 % interval of the difference: both "
            + "are measured on the same resamples.</p>" + tables.joined()
    }

    /// A table each, none wider than a page.
    private static let measureTitles: [(String, [(ComparedMeasure, String)])] = [
        (
            "The encoder unchanged",
            [
                (.linearAUROC, "linear AUROC"), (.linearF1, "linear F1"),
                (.linearF1AtHalf, "linear F1 at 0.5"), (.neighbourAUROC, "k-NN AUROC"),
                (.neighbourWeightedF1, "k-NN F1, weighted"),
            ]
        ),
        (
            "Fine-tuned",
            [
                (.finetuneAUROC, "fine-tuned AUROC"),
                (.finetuneF1, "fine-tuned F1"),
                (
                    .finetuneLessLinearAUROC,
                    "fine-tuned AUROC less the other's linear AUROC"
                ),
            ]
        ),
    ]

    var classTables: String {
        let tables = encoders.compactMap { model -> String? in
            guard let test = model.results.linear?.probe.test else { return nil }
            let rows = classes.map { name -> [String] in
                func number(_ value: Double??) -> String {
                    (value ?? nil).map { decimals($0) } ?? "not measured"
                }
                let ends = (test.aurocInterval[name] ?? nil).map {
                    "\n\(decimals($0.lower)) to \(decimals($0.upper))"
                }
                return [
                    name, "\(test.support[name] ?? 0)", number(test.auroc[name]) + (ends ?? ""),
                    number(test.averagePrecision[name]), number(test.f1[name]),
                    number(test.thresholds?[name]),
                ]
            }
            let name = encoders.count > 1 ? "<h3>\(model.title.htmlEscaped)</h3>" : ""
            return name
                + ReportPage.table(
                    header: [
                        "diagnosis", "test records", "AUROC (95 %)", "average precision",
                        "F1", "threshold",
                    ], rows: rows)
        }
        return tables.joined()
    }

    /// What is reached with a part of the labels, a row a model and protocol.
    var labelEfficiency: String {
        var rows: [[String]] = []
        var fractions: [Double] = []
        var curves: [LineChart.Series] = []
        for model in models {
            let found = model.results.labelEfficiency
            let protocols = [(Self.finetuned, found?.finetune), ("linear", found?.linear)]
            for (name, points) in protocols {
                guard let points else { continue }
                let own = points.map(\.fraction)
                if own.count > fractions.count { fractions = own }
                rows.append([model.title, name] + points.map(Self.partOfLabels))
                curves.append(
                    LineChart.Series(
                        name: "\(model.title), \(name)",
                        points: points.compactMap { point in
                            point.aurocMacro.mean.map { (100 * point.fraction, $0) }
                        }, hasMarks: true))
            }
        }
        guard !rows.isEmpty else { return "" }
        return
            "<p>AUROC on the test records when only a part of the training patients' labels may be used: the mean over draws "
            + "with its deviation, and the training records that a draw has. An untrained network that is fine-tuned is one "
            + "that is trained from random weights with these labels alone.</p>"
            + LineChart(
                title: "AUROC over the part of labels", xLabel: "% of labels",
                // As many as there are colours; the plainest controls stand last.
                series: Array(curves.prefix(6)), isLogarithmic: true
            ).html
            + ReportPage.table(
                header: ["vectors", "protocol"]
                    + fractions.map { "\(format(100 * $0)) % of labels" },
                rows: rows.map {
                    $0 + Array(repeating: "", count: max(0, fractions.count + 2 - $0.count))
                })
    }

    private static func partOfLabels(_ point: LabelPartSummary) -> String {
        guard let mean = point.aurocMacro.mean else { return "not measured" }
        let deviation = point.aurocMacro.deviation.map { " ± \(decimals($0))" }
        let records = point.records.map { Double($0) }
        let count = records.isEmpty ? 0 : records.reduce(0, +) / Double(records.count)
        return
            "\(decimals(mean))\n\(deviation.map { $0.dropFirst() + ", " } ?? "")\(decimals(count, 0)) records"
    }

    /// Groups of records on which the linear probe was measured apart.
    var subgroups: String {
        let tables = encoders.compactMap { model -> String? in
            guard let groups = model.results.linear?.subgroups?.test else { return nil }
            // By age, not by alphabet.
            func place(_ group: Subgroup) -> (Int, String) {
                (group == .ageBelow40 ? 0 : 1, group.rawValue)
            }
            let rows = groups.sorted { place($0.key) < place($1.key) }.map { key, group in
                let measured = group.aurocMacro.map {
                    SchemaMeasure(value: $0, interval: group.aurocMacroInterval)
                }
                return [
                    Self.words(key.rawValue), "\(group.records)", measured?.cell ?? "too few",
                    group.aurocMacroOfOthers.map { decimals($0) } ?? "",
                ]
            }
            guard !rows.isEmpty else { return nil }
            let name = encoders.count > 1 ? "<h3>\(model.title.htmlEscaped)</h3>" : ""
            return name
                + ReportPage.table(
                    header: ["group", "test records", "linear AUROC", "of all other records"],
                    rows: rows)
        }
        guard !tables.isEmpty else { return "" }
        return
            "<p>The same linear probe on groups of the test records, and on all records outside the group. Groups are small: "
            + "look at the intervals first.</p>" + tables.joined()
    }

    // MARK: Clusters and parameters

    var clusters: String {
        let whole = clusterRows {
            $0.clusters?.test
        } dimension: {
            $0.dimension
        }
        guard !whole.isEmpty else { return "" }
        let equal = clusterRows {
            $0.clusters?.equalDimension.test
        } dimension: {
            $0.clusters?.equalDimension.dimension
        }
        let wanted =
            models.lazy.compactMap { $0.results.clusters?.equalDimension.wantedDimension }
            .first ?? 0
        let header = [
            "vectors", "numbers", "n", "Davies-Bouldin", "Silhouette", "Calinski-Harabasz",
            "CHI/(n−k)", "adjusted Rand of k-means",
        ]
        return
            "<p>The true diagnoses as clusters, test records with exactly one; no classifier. Low Davies-Bouldin, high "
            + "Silhouette and high CHI/(n−k) mean classes far apart; adjusted Rand says how well k-means finds them "
            + "(0 is chance, 1 is perfect).</p><h3>Vectors as they are</h3>"
            + ReportPage.table(header: header, rows: whole)
            + "<h3>At equal dimension</h3><p>The measures depend on how many numbers a record has. Here every model is "
            + "standardised and brought to its first \(wanted) principal components, both found from training records "
            + "alone; whoever has fewer numbers keeps all.</p>"
            + ReportPage.table(header: header, rows: equal)
            + (isComparison
                ? "<h3>The study's figures</h3>"
                    + ReportPage.table(
                        header: [
                            "method", "numbers", "Davies-Bouldin", "Silhouette",
                            "Calinski-Harabasz",
                        ], rows: StudyFigures.clusters)
                    + "<p class=\"note\">\(StudyFigures.ownClusterNotes.htmlEscaped)</p>"
                : "") + "<p class=\"note\">\(StudyFigures.clusterNotes.htmlEscaped)</p>"
    }

    private func clusterRows(
        _ space: (ModelSummary) -> ClusterSpaceSummary?,
        dimension: (ModelSummary) -> Int?
    ) -> [[String]] {
        models.compactMap { model in
            guard let space = space(model.results) else { return nil }
            func text(_ value: Double?, _ digits: Int = 3) -> String {
                value.map { decimals($0, digits) } ?? ""
            }
            let classes = space.classes
            return [
                model.title, dimension(model.results).map { "\($0)" } ?? "",
                "\(classes.records)", text(classes.daviesBouldin), text(classes.silhouette),
                text(classes.calinskiHarabasz), text(classes.calinskiHarabaszPerRecord, 4),
                text(space.adjustedRand),
            ]
        }
    }

    private static let parametersAtFirst = 15

    var parameters: String {
        let parts = encoders.compactMap { model -> String? in
            guard let test = model.results.parameters?.test else { return nil }
            let rows = test.compactMap { name, reading in
                reading.measure.map { (name: name, records: reading.records, measured: $0) }
            }.sorted { ($1.measured.value, $0.name) < ($0.measured.value, $1.name) }
            guard !rows.isEmpty else { return nil }
            let control = models.first { $0.isControl(.random) }?.results.parameters?.test
            let table = rows.map { row in
                [
                    Self.words(row.name), "\(row.records)", row.measured.text,
                    control?[row.name]?.measure?.text ?? "",
                ]
            }
            let chart = IntervalChart(
                title: "R² of clinical parameters",
                rows: rows.prefix(Self.parametersAtFirst).map {
                    .init(
                        name: Self.words($0.name), value: $0.measured.value,
                        interval: $0.measured.interval.map { ($0.lower, $0.upper) },
                        isFaint: false, text: $0.measured.text)
                }, reference: 0)
            let name = encoders.count > 1 ? "<h3>\(model.title.htmlEscaped)</h3>" : ""
            return name + chart.html
                + ReportPage.folded(
                    "all \(rows.count) parameters",
                    ReportPage.table(
                        header: ["parameter", "test records", "R²", "R², untrained"],
                        rows: table))
        }
        guard !parts.isEmpty else { return "" }
        return
            "<p>How much of each clinical parameter's variance a linear map reads out of the vectors (R², test records): 1 is "
            + "all, 0 no more than the mean. The \(Self.parametersAtFirst) best are drawn.</p>"
            + parts.joined()
    }

    private static func words(_ key: String) -> String { key.replacing("_", with: " ") }

    // MARK: What was measured on what

    var subject: String {
        var rows: [[String]] = []
        for (model, run) in zip(encoders, evaluation.runs) {
            let (encoder, name) = (run.encoder, isComparison ? "\(model.title): " : "")
            rows += [
                ["\(name)run", run.run],
                ["\(name)method", "\(encoder.method), step \(encoder.step)"],
                ["\(name)training state, SHA-256", encoder.stateDigest ?? "not known"],
                ["\(name)pretrained on, SHA-256", encoder.dataDigest ?? "not known"],
                ["\(name)numbers of a vector", "\(run.results.dimension)"],
            ]
        }
        let (assessment, records) = (evaluation.assessment, evaluation.assessment.records)
        let likelihood =
            assessment.labels.minimumLikelihood.map { "codes of at least \(format($0)) %" }
            ?? "every listed code"
        let unknown =
            assessment.labels.dropsUnknown ? ", those of unknown likelihood dropped" : ""
        rows += [
            ["read-out", assessment.readout],
            [
                "crops",
                assessment.crops == .centre
                    ? "the middle of each window" : "as the method's authors",
            ],
            ["data set, SHA-256", assessment.dataDigest],
            ["labels", "PTB-XL's superclasses, \(likelihood)\(unknown)"],
            ["training records (weights, statistics)", "\(records.training)"],
            ["validation records (penalties, thresholds)", "\(records.validation)"],
            ["test records (measured only)", "\(records.test)"],
        ]
        if let external = assessment.testDataDigest {
            rows += [
                ["external set, SHA-256", external], ["external records", "\(records.external)"],
                ["left out: patients of the first set", "\(records.externalLeftOut)"],
            ]
        }
        rows.append(["seed of resamples", assessment.seed])
        return ReportPage.table(header: ["", ""], rows: rows)
    }
}
