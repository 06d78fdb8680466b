import CommandLineInterface
import Evaluation
import LinearAlgebra
import Reporting
import Runtime

/// Writes the page about an evaluation, where one was asked for.
///
/// - Parameters:
///   - evaluation: What `--json` prints.
///   - contenders: Those of the JSON, under the names that they have there.
///   - records: The test records, in the order of the contenders' maps.
///   - given: What the user typed.
/// - Throws: `SystemError` where the file cannot be written.
func writePage(
    _ evaluation: JSONValue, contenders: [Contender], records: [EvaluatedRecord],
    given: Invocation
) throws {
    guard let path = given[ReportOptions.report] else { return }
    let page = EvaluationReport(
        evaluation, classes: LabelledRecords.classNames,
        pictures: contenders.map { contender in
            ContenderPictures(
                name: contender.name, curves: contender.curves,
                maps: contender.map?.drawings(of: records) ?? [])
        }, command: ["purkinje"] + Program.words)
    let html = page.html
    try AtomicFile.write(html, to: path)
    if !given[.json] {
        Output.write("\n\(path): \(html.utf8.count / 1024) KiB, opens in any browser")
    }
}

extension Contender {
    /// Receiver operating characteristics of the linear probe, one a class that could be measured.
    fileprivate var curves: [ContenderPictures.Curve] {
        guard let scored = results.linear?.test.scored else { return [] }
        return scored.measurableClasses.map {
            ContenderPictures.Curve(className: scored.classes[$0], points: scored.ranked[$0].curve)
        }
    }
}

extension RecordMap {
    /// Both maps, coloured by diagnosis.
    func drawings(of records: [EvaluatedRecord]) -> [ContenderPictures.Map] {
        func map(_ title: String, _ place: (Int) -> (x: Double, y: Double)) -> ContenderPictures.Map
        {
            let chart = ScatterChart(
                title: title, groups: LabelledRecords.classNames + ["several"],
                points: rows.enumerated().map { index, row in
                    let (x, y) = place(index)
                    return ScatterChart.Point(
                        x: x, y: y, group: records[row].group, label: records[row].label)
                })
            return ContenderPictures.Map(title: title, chart: chart)
        }
        let share = varianceShares.reduce(0, +)
        let sample = rows.count < records.count ? ", \(rows.count) of \(records.count) records" : ""
        let first = map(
            "principal components, \(decimals(100 * share, 0)) % of the variance\(sample)"
        ) { (components[$0, 0], components[$0, 1]) }
        guard let neighbours else { return [first] }
        let second = map(
            "t-SNE, perplexity \(decimals(neighbours.perplexity, 0))\(sample)"
        ) { (neighbours.places[$0, 0], neighbours.places[$0, 1]) }
        return [first, second]
    }

    /// Places by name, for `--coordinates`.
    func json(of records: [EvaluatedRecord]) -> JSONValue {
        func places(_ matrix: Matrix) -> JSONValue {
            .array((0..<matrix.rows).map { [.number(matrix[$0, 0]), .number(matrix[$0, 1])] })
        }
        return [
            "records": .array(rows.map { .string(records[$0].description.name) }),
            "classes": .array(
                rows.map { row in
                    .array(records[row].classes.map { .string(LabelledRecords.classNames[$0]) })
                }),
            "principal_components": places(components),
            "variance_shares": .array(varianceShares.map { .number($0) }),
            "t_sne": neighbours.map {
                [
                    "places": places($0.places), "perplexity": .number($0.perplexity),
                    "divergence": .number($0.divergence),
                ]
            } ?? .null,
        ]
    }
}

extension EvaluatedRecord {
    /// Number of the record's class, or of the group of those with several.
    fileprivate var group: Int {
        classes.count == 1 ? classes[0] : LabelledRecords.classNames.count
    }

    /// What hovering over the record shows.
    fileprivate var label: String {
        let names = classes.map { LabelledRecords.classNames[$0] }.joined(separator: " + ")
        let codes = description.codes.map(\.code).joined(separator: ", ")
        return "record \(description.name): \(names)" + (codes.isEmpty ? "" : " (\(codes))")
    }
}
