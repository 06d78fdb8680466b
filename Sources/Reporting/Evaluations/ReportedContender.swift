import Foundation
import Runtime

/// What an evaluation says of one encoder or one control, read from the JSON that `evaluate` and `compare` print.
struct ReportedContender {
    /// The name in the JSON.
    let name: String
    /// The name for people.
    let title: String
    /// Whether it is there to know what an encoder's numbers are worth.
    let isControl: Bool
    /// The results by protocol.
    let results: JSONValue
    /// What the first contender has more than this one, by measure; `nil` for the first itself.
    let difference: JSONValue?

    /// A measure with its interval.
    struct Measured {
        let value: Double
        let interval: (lower: Double, upper: Double)?

        /// Reads `key` and `key_interval` of an object; `nil` where the measure is not there or could not be taken.
        init?(_ object: JSONValue?, _ key: String) {
            guard let value = object?[key]?.doubleValue else { return nil }
            self.value = value
            interval = Self.interval(object?["\(key)_interval"])
        }

        static func interval(_ value: JSONValue?) -> (lower: Double, upper: Double)? {
            guard let ends = value?.arrayValue, ends.count == 2, let lower = ends[0].doubleValue,
                let upper = ends[1].doubleValue
            else { return nil }
            return (lower, upper)
        }

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

    /// A measure of the contender: the members that lead to the object, and the measure's name.
    func measured(_ path: [String], _ key: String) -> Measured? {
        Measured(object(path), key)
    }

    /// An object within the results.
    func object(_ path: [String]) -> JSONValue? {
        path.reduce(JSONValue?.some(results)) { $0?[$1] }
    }

    /// All contenders of an evaluation or a comparison: encoders first, then controls from the nearest to the plainest.
    static func all(of evaluation: JSONValue) -> [ReportedContender] {
        let runs = evaluation["runs"]?.arrayValue
        let encoders: [ReportedContender]
        if let runs {
            let titles = shortest(runs.map { $0["run"]?.stringValue ?? "" })
            encoders = zip(titles, runs).enumerated().map { number, named in
                let method = named.1["method"]?.stringValue.map { " (\($0))" } ?? ""
                return ReportedContender(
                    name: named.1["run"]?.stringValue ?? named.0, title: named.0 + method,
                    isControl: false,
                    results: named.1,
                    difference: number == 0 ? nil : named.1["first_run_less_this"])
            }
        } else {
            encoders = [
                ReportedContender(
                    name: "encoder", title: "this encoder", isControl: false, results: evaluation,
                    difference: nil)
            ]
        }
        let controls = evaluation["controls"]?.objectValue ?? [:]
        let names = controls.keys.sorted { (rank($0), $0) < (rank($1), $1) }
        return encoders
            + names.compactMap { name in
                guard let results = controls[name] else { return nil }
                return ReportedContender(
                    name: name, title: title(ofControl: name), isControl: true, results: results,
                    difference: results["encoder_less_control"] ?? results["first_run_less_this"])
            }
    }

    private static func rank(_ control: String) -> Int {
        let order = [
            "signal_alone", "statistics", "parameters", "parameters_in_segments", "with_parameters",
            "age_and_sex",
        ]
        return control.hasPrefix("random") ? -1 : order.firstIndex(of: control) ?? order.count
    }

    private static func title(ofControl name: String) -> String {
        switch name {
        case "random": "the untrained network"
        case "statistics": "statistics of the leads"
        case "signal_alone": "this encoder without clinical tokens"
        case "parameters": "clinical parameters"
        case "parameters_in_segments": "clinical parameters in segments"
        case "with_parameters": "this encoder and clinical parameters"
        case "age_and_sex": "age and sex"
        default: name.replacing("_", with: " ").replacing("random", with: "untrained")
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

/// Three decimals, as measures between 0 and 1 are told.
func decimals(_ value: Double, _ count: Int = 3) -> String {
    String(format: "%.\(count)f", value)
}

/// With its sign.
func signed(_ value: Double) -> String { String(format: "%+.3f", value) }
