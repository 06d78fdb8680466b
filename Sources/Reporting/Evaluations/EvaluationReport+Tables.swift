import Runtime

extension EvaluationReport {
    // MARK: Diagnoses

    /// What classifiers make of all contenders' vectors, on one part of the records.
    func classification(_ part: String) -> String {
        let measured = contenders.filter { contender in
            protocols(of: contender, part: part).isEmpty == false
        }
        guard !measured.isEmpty else { return "" }
        let forests = [("linear", "Linear probe"), ("knn", "k-nearest neighbours")].compactMap {
            key, title in forest(measured, [key, part], title: title)
        }
        let further = forestOfFurther(measured, part)
        let records = measured[0].object(["linear", part])?["records"]?.integerValue
        let count = records.map { "\($0) records. " } ?? ""
        return
            "<p>\(count)AUROC, the mean over the diagnoses, with 95 % intervals; the dashed line is chance. Whether two "
            + "rows differ is not seen from overlapping intervals, but from the paired differences below.</p>"
            + (forests + [further].compactMap { $0 }).joined()
            + classificationTable(measured, part)
            + (isComparison && part == "test" ? studyClassification : "")
    }

    /// Protocols beside the probe and neighbours that give an AUROC, such as fine-tuning.
    private func protocols(of contender: ReportedContender, part: String) -> [String] {
        (contender.results.objectValue ?? [:]).keys.filter {
            contender.measured([$0, part], "auroc_macro") != nil
        }.sorted()
    }

    private func forest(
        _ contenders: [ReportedContender], _ path: [String], title: String
    ) -> String? {
        let rows = contenders.compactMap { contender in
            contender.measured(path, "auroc_macro").map {
                IntervalChart.Row(
                    name: contender.title, value: $0.value, interval: $0.interval,
                    isFaint: contender.isControl, text: $0.text)
            }
        }
        guard !rows.isEmpty else { return nil }
        return "<h3>\(title)</h3>"
            + IntervalChart(title: "AUROC, \(title)", rows: rows, reference: 0.5).html
    }

    private func forestOfFurther(_ contenders: [ReportedContender], _ part: String) -> String? {
        let rows = contenders.flatMap { contender in
            protocols(of: contender, part: part).filter { $0 != "linear" && $0 != "knn" }
                .compactMap { key -> IntervalChart.Row? in
                    contender.measured([key, part], "auroc_macro").map {
                        IntervalChart.Row(
                            name: "\(contender.title), \(Self.words(ofProtocol: key))",
                            value: $0.value, interval: $0.interval, isFaint: contender.isControl,
                            text: $0.text)
                    }
                }
        }
        guard !rows.isEmpty else { return nil }
        return "<h3>Further protocols</h3>"
            + IntervalChart(title: "AUROC, further protocols", rows: rows, reference: 0.5).html
    }

    private func classificationTable(
        _ contenders: [ReportedContender], _ part: String
    ) -> String {
        let probe: [(String, [String], String)] = [
            ("AUROC", ["linear", part], "auroc_macro"),
            ("F1 at 0.5", ["linear", part], "f1_macro_at_half"),
            ("F1, chosen thresholds", ["linear", part], "f1_macro"),
            ("average precision", ["linear", part], "average_precision_macro"),
            ("one label: AUROC", ["linear", "single_label", part], "auroc_macro"),
            ("one label: macro F1", ["linear", "single_label", part], "f1_macro"),
        ]
        let others: [(String, [String], String)] = [
            ("k-NN AUROC", ["knn", part], "auroc_macro"),
            ("k-NN AUROC, weighted", ["knn", part], "auroc_weighted"),
            ("k-NN F1, weighted", ["knn", part], "f1_weighted"),
            ("fine-tuned AUROC", ["finetune", part], "auroc_macro"),
            ("fine-tuned F1, chosen thresholds", ["finetune", part], "f1_macro"),
        ]
        // One table of all would be wider than a page.
        return [("Linear probe in numbers", probe), ("Other protocols in numbers", others)].map {
            title, columns in
            let shown = columns.filter { column in
                contenders.contains { $0.measured(column.1, column.2) != nil }
            }
            let rows = contenders.filter { contender in
                shown.contains { contender.measured($0.1, $0.2) != nil }
            }
            guard !rows.isEmpty else { return "" }
            return "<h3>\(title)</h3>"
                + ReportPage.table(
                    header: ["vectors", "numbers"] + shown.map(\.0),
                    rows: rows.map { contender in
                        [contender.title, "\(contender.results["dimension"]?.integerValue ?? 0)"]
                            + shown.map { contender.measured($0.1, $0.2)?.cell ?? "" }
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
        let first = contenders.first?.title ?? ""
        func cell(_ contender: ReportedContender, _ key: String) -> String? {
            guard let found = contender.difference?[key],
                let value = found["difference"]?.doubleValue,
                let interval = ReportedContender.Measured.interval(found["interval"])
            else { return nil }
            let p = found["p_value"]?.doubleValue.map { ", p \(decimals($0))" } ?? ""
            return "\(signed(value))\n\(signed(interval.lower)) to \(signed(interval.upper))\(p)"
        }
        let tables = Self.measureTitles.compactMap { heading, titles -> String? in
            let measures = titles.filter { key, _ in contenders.contains { cell($0, key) != nil } }
            let rows = contenders.compactMap { contender -> [String]? in
                let cells = measures.map { cell(contender, $0.0) }
                guard cells.contains(where: { $0 != nil }) else { return nil }
                return [contender.title] + cells.map { $0 ?? "" }
            }
            guard !rows.isEmpty else { return nil }
            return "<h3>\(heading)</h3>"
                + ReportPage.table(header: ["\(first) less"] + measures.map(\.1), rows: rows)
        }
        guard !tables.isEmpty else { return "" }
        return
            "<p>What \(first.htmlEscaped) has more than each other contender, with the 95 % interval of the difference: both "
            + "are measured on the same resamples.</p>" + tables.joined()
    }

    /// A table each, none wider than a page.
    private static let measureTitles = [
        (
            "The encoder unchanged",
            [
                ("linear_auroc_macro", "linear AUROC"), ("linear_f1_macro", "linear F1"),
                ("linear_f1_macro_at_half", "linear F1 at 0.5"), ("knn_auroc_macro", "k-NN AUROC"),
                ("knn_f1_weighted", "k-NN F1, weighted"),
            ]
        ),
        (
            "Fine-tuned",
            [
                ("finetune_auroc_macro", "fine-tuned AUROC"),
                ("finetune_f1_macro", "fine-tuned F1"),
                (
                    "finetune_less_linear_auroc_macro",
                    "fine-tuned AUROC less the other's linear AUROC"
                ),
            ]
        ),
    ]

    /// A protocol's key in the JSON, for people.
    static func words(ofProtocol key: String) -> String {
        key == "finetune" ? "fine-tuned" : key.replacing("_", with: " ")
    }

    var classTables: String {
        let tables = encoders.compactMap { contender -> String? in
            guard let test = contender.object(["linear", "test"]) else { return nil }
            let rows = classes.map { name -> [String] in
                func number(_ key: String) -> String {
                    test[key]?[name]?.doubleValue.map { decimals($0) } ?? "not measured"
                }
                let interval = ReportedContender.Measured.interval(test["auroc_interval"]?[name])
                let ends = interval.map { "\n\(decimals($0.lower)) to \(decimals($0.upper))" }
                return [
                    name, "\(test["support"]?[name]?.integerValue ?? 0)",
                    number("auroc") + (ends ?? ""), number("average_precision"), number("f1"),
                    number("thresholds"),
                ]
            }
            let name = encoders.count > 1 ? "<h3>\(contender.title.htmlEscaped)</h3>" : ""
            return name
                + ReportPage.table(
                    header: [
                        "diagnosis", "test records", "AUROC (95 %)", "average precision",
                        "F1", "threshold",
                    ], rows: rows)
        }
        return tables.joined()
    }

    /// What is reached with a part of the labels, a row a contender and protocol.
    var labelEfficiency: String {
        var rows: [[String]] = []
        var fractions: [Double] = []
        var curves: [LineChart.Series] = []
        for contender in contenders {
            let protocols = contender.results["label_efficiency"]?.objectValue ?? [:]
            for key in protocols.keys.sorted() {
                let points = protocols[key]?.arrayValue ?? []
                let own = points.compactMap { $0["fraction"]?.doubleValue }
                if own.count > fractions.count { fractions = own }
                rows.append(
                    [contender.title, Self.words(ofProtocol: key)]
                        + points.map(Self.partOfLabels))
                curves.append(
                    LineChart.Series(
                        name: "\(contender.title), \(Self.words(ofProtocol: key))",
                        points: points.compactMap { point in
                            guard let fraction = point["fraction"]?.doubleValue,
                                let mean = point["auroc_macro"]?["mean"]?.doubleValue
                            else { return nil }
                            return (100 * fraction, mean)
                        }, hasMarks: true))
            }
        }
        guard !rows.isEmpty else { return "" }
        return
            "<p>AUROC on the test records when only a part of the training patients' labels may be used: the mean over draws "
            + "with its deviation, and the training records that a draw has. An untrained network that is fine-tuned is one "
            + "that is trained from drawn weights with these labels alone.</p>"
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

    private static func partOfLabels(_ point: JSONValue) -> String {
        guard let mean = point["auroc_macro"]?["mean"]?.doubleValue else { return "not measured" }
        let deviation = point["auroc_macro"]?["deviation"]?.doubleValue.map { " ± \(decimals($0))" }
        let records = (point["records"]?.arrayValue ?? []).compactMap(\.doubleValue)
        let count = records.isEmpty ? 0 : records.reduce(0, +) / Double(records.count)
        return
            "\(decimals(mean))\n\(deviation.map { $0.dropFirst() + ", " } ?? "")\(decimals(count, 0)) records"
    }

    /// Groups of records on which the linear probe was measured apart.
    var subgroups: String {
        let tables = encoders.compactMap { contender -> String? in
            guard let groups = contender.object(["linear", "subgroups", "test"])?.objectValue else {
                return nil
            }
            // By age, not by alphabet.
            let youngest = "age_below_40"
            let names = groups.keys.sorted {
                ($0 == youngest ? 0 : 1, $0) < ($1 == youngest ? 0 : 1, $1)
            }
            let rows = names.map { key -> [String] in
                let group = groups[key]
                let measured = ReportedContender.Measured(group, "auroc_macro")
                return [
                    Self.words(key), "\(group?["records"]?.integerValue ?? 0)",
                    measured?.cell ?? "too few",
                    group?["auroc_macro_of_others"]?.doubleValue.map { decimals($0) } ?? "",
                ]
            }
            guard !rows.isEmpty else { return nil }
            let name = encoders.count > 1 ? "<h3>\(contender.title.htmlEscaped)</h3>" : ""
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
            $0.object(["clusters", "test"])
        } dimension: {
            $0.results["dimension"]?.integerValue
        }
        guard !whole.isEmpty else { return "" }
        let equal = clusterRows {
            $0.object(["clusters", "equal_dimension", "test"])
        } dimension: {
            $0.object(["clusters", "equal_dimension"])?["dimension"]?.integerValue
        }
        let wanted =
            contenders.lazy.compactMap {
                $0.object(["clusters", "equal_dimension"])?["wanted_dimension"]?.integerValue
            }.first ?? 0
        let header = [
            "vectors", "numbers", "n", "Davies-Bouldin", "Silhouette", "Calinski-Harabasz",
            "CHI/(n−k)", "adjusted Rand of k-means",
        ]
        return
            "<p>The true diagnoses as clusters, test records with exactly one; no classifier. Low Davies-Bouldin, high "
            + "Silhouette and high CHI/(n−k) mean classes far apart; adjusted Rand says how well k-means finds them "
            + "(0 is chance, 1 is perfect).</p><h3>Vectors as they are</h3>"
            + ReportPage.table(header: header, rows: whole)
            + "<h3>At equal dimension</h3><p>The measures depend on how many numbers a record has. Here every contender is "
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
        _ object: (ReportedContender) -> JSONValue?, dimension: (ReportedContender) -> Int?
    ) -> [[String]] {
        contenders.compactMap { contender in
            guard let test = object(contender), test != .null else { return nil }
            func number(_ key: String, _ digits: Int = 3) -> String {
                test[key]?.doubleValue.map { decimals($0, digits) } ?? ""
            }
            return [
                contender.title, dimension(contender).map { "\($0)" } ?? "",
                "\(test["records"]?.integerValue ?? 0)", number("davies_bouldin"),
                number("silhouette"), number("calinski_harabasz"),
                number("calinski_harabasz_per_record", 4), number("adjusted_rand"),
            ]
        }
    }

    private static let parametersAtFirst = 15

    var parameters: String {
        let parts = encoders.compactMap { contender -> String? in
            guard let test = contender.object(["parameters", "test"])?.objectValue else {
                return nil
            }
            let rows = test.compactMap { name, reading in
                ReportedContender.Measured(reading, "r2").map {
                    (name: name, records: reading["records"]?.integerValue ?? 0, measured: $0)
                }
            }.sorted { ($1.measured.value, $0.name) < ($0.measured.value, $1.name) }
            guard !rows.isEmpty else { return nil }
            let control = contenders.first { $0.name.hasPrefix("random") }?
                .object(["parameters", "test"])
            let table = rows.map { row in
                [
                    Self.words(row.name), "\(row.records)", row.measured.text,
                    ReportedContender.Measured(control?[row.name], "r2")?.text ?? "",
                ]
            }
            let chart = IntervalChart(
                title: "R² of clinical parameters",
                rows: rows.prefix(Self.parametersAtFirst).map {
                    .init(
                        name: Self.words($0.name), value: $0.measured.value,
                        interval: $0.measured.interval, isFaint: false, text: $0.measured.text)
                }, reference: 0)
            let name = encoders.count > 1 ? "<h3>\(contender.title.htmlEscaped)</h3>" : ""
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
        for contender in encoders {
            let results = contender.results
            let name = isComparison ? "\(contender.title): " : ""
            func text(_ key: String) -> String { results[key]?.stringValue ?? "not known" }
            rows += [
                ["\(name)run", text("run")],
                [
                    "\(name)method",
                    "\(text("method")), step \(results["step"]?.integerValue ?? 0)",
                ],
                ["\(name)training state, SHA-256", text("state_sha256")],
                ["\(name)pretrained on, SHA-256", text("pretraining_data_sha256")],
                ["\(name)numbers of a vector", "\(results["dimension"]?.integerValue ?? 0)"],
            ]
        }
        let records = evaluation["records"]
        func count(_ part: String) -> String { "\(records?[part]?.integerValue ?? 0)" }
        let labels = evaluation["labels"]
        let likelihood =
            labels?["minimum_likelihood"]?.doubleValue
            .map { "codes of at least \(format($0)) %" } ?? "every listed code"
        let unknown =
            labels?["drops_unknown"] == true ? ", those of unknown likelihood dropped" : ""
        rows += [
            ["read-out", evaluation["readout"]?.stringValue ?? ""],
            [
                "crops",
                evaluation["crops"] == "centre"
                    ? "the middle of each window" : "as the method's authors",
            ],
            ["data set, SHA-256", evaluation["data_sha256"]?.stringValue ?? ""],
            ["labels", "PTB-XL's superclasses, \(likelihood)\(unknown)"],
            ["training records (weights, statistics)", count("training")],
            ["validation records (penalties, thresholds)", count("validation")],
            ["test records (measured only)", count("test")],
        ]
        if let external = evaluation["test_data_sha256"]?.stringValue {
            rows += [
                ["external set, SHA-256", external], ["external records", count("external")],
                ["left out: patients of the first set", count("external_left_out")],
            ]
        }
        rows.append(["seed of resamples", evaluation["seed"]?.stringValue ?? ""])
        return ReportPage.table(header: ["", ""], rows: rows)
    }
}
