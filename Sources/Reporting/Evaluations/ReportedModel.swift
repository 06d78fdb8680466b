import EvaluationSchema
import Foundation
import Runtime

/// What an evaluation says of one encoder or one control.
struct ReportedModel {
    /// The name in the JSON.
    let name: String
    /// The name for people.
    let title: String
    /// Whether it is there to know what an encoder's numbers are worth.
    let isControl: Bool
    /// What the protocols say.
    let results: ModelSummary
    /// What the first model has more than this one, by measure; `nil` for the first itself.
    let difference: DifferenceSummaries?

    /// All models of an evaluation or a comparison: encoders first, then controls from the nearest to the plainest.
    static func all(of evaluation: EvaluationDocument) -> [ReportedModel] {
        let encoders: [ReportedModel]
        switch evaluation {
        case .evaluation(let evaluation):
            encoders = [
                ReportedModel(
                    name: EvaluationDocument.encoderName, title: "this encoder", isControl: false,
                    results: evaluation.run.results, difference: nil)
            ]
        case .comparison(let comparison):
            let titles = shortest(comparison.runs.map(\.run))
            encoders = zip(titles, comparison.runs).enumerated().map { number, named in
                let (title, run) = named
                return ReportedModel(
                    name: run.run, title: "\(title) (\(run.encoder.method))", isControl: false,
                    results: run.results,
                    difference: number == 0 ? nil : run.results.firstRunLessThis)
            }
        }
        return encoders
            + evaluation.controls.sorted { (rank($0.key), $0.key) < (rank($1.key), $1.key) }
            .map { name, results in
                ReportedModel(
                    name: name, title: title(ofControl: name), isControl: true, results: results,
                    difference: results.encoderLessControl ?? results.firstRunLessThis)
            }
    }

    /// Whether it is a control of a kind.
    func isControl(_ control: Control) -> Bool { isControl && Control(name: name) == control }

    private static func rank(_ name: String) -> Int {
        let order = Control.allCases
        return Control(name: name).flatMap(order.firstIndex) ?? order.count
    }

    private static func title(ofControl name: String) -> String {
        switch Control(rawValue: name) {
        case .random: "the untrained network"
        case .statistics: "statistics of the leads"
        case .signalAlone: "this encoder without clinical tokens"
        case .parameters: "clinical parameters"
        case .parametersInSegments: "clinical parameters in segments"
        case .withParameters: "this encoder and clinical parameters"
        case .ageAndSex: "age and sex"
        case nil: name.replacing("_", with: " ").replacing("random", with: "untrained")
        }
    }

    /// Paths without the folders that all have in common.
    private static func shortest(_ paths: [String]) -> [String] {
        let parts = paths.map { $0.split(separator: "/").map(String.init) }
        let depth = parts.map(\.count).max() ?? 1
        for kept in 1..<max(depth, 1) {
            let names = parts.map { $0.suffix(kept).joined(separator: "/") }
            if Set(names).count == Set(paths).count { return names }
        }
        return paths
    }
}

extension SchemaMeasure {
    /// The value, and below it where 95 % of resamples lie.
    var cell: String {
        decimals(value)
            + (interval.map { "\n\(decimals($0.lower)) to \(decimals($0.upper))" } ?? "")
    }

    /// The value, and where 95 % of resamples lie.
    var text: String {
        decimals(value)
            + (interval.map { " (\(decimals($0.lower)) to \(decimals($0.upper)))" } ?? "")
    }
}

/// With its sign.
func signed(_ value: Double) -> String { String(format: "%+.3f", value) }
