import Runtime

/// Which diagnostic codes count.
public struct LabelRuleSummary: SchemaObject {
    /// The least likelihood, in per cent; `nil` where every listed code counts.
    public var minimumLikelihood: Double?
    /// Whether codes of unknown likelihood are dropped.
    public var dropsUnknown = false

    /// Every listed code.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("minimum_likelihood", \.minimumLikelihood),
            .always("drops_unknown", \.dropsUnknown),
        ]
    }
}

/// How many records there are.
public struct RecordCounts: SchemaObject {
    /// That weights and statistics are found from.
    public var training = 0
    /// That penalties and thresholds are found from.
    public var validation = 0
    /// That are measured.
    public var test = 0
    /// That are measured beside, of another set.
    public var external = 0
    /// Of the other set, not measured since the first one knows them.
    public var externalLeftOut = 0
    /// Of the other set, in the first one without a fold.
    public var externalSeenUnlabelled = 0

    /// None.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("training", \.training), .always("validation", \.validation),
            .always("test", \.test), .always("external", \.external),
            .always("external_left_out", \.externalLeftOut),
            .always("external_seen_unlabelled", \.externalSeenUnlabelled),
        ]
    }
}

/// Which parts of a window are embedded.
public enum CropRule: String, SchemaValue, CaseIterable {
    /// Those of the method.
    case method
    /// The middle alone.
    case centre

    /// Reads one of the names.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) {
        guard let rule = json.stringValue.flatMap(CropRule.init(rawValue:)) else {
            let names = CropRule.allCases.map { "'\($0.rawValue)'" }
            throw place.mistyped(json, wanted: names.joined(separator: " or "))
        }
        self = rule
    }

    /// Its name.
    public var json: JSONValue { .string(rawValue) }
}

/// What was measured on what.
public struct AssessmentSummary: SchemaObject {
    /// Which vectors were taken.
    public var readout = ""
    /// Which parts of a window.
    public var crops = CropRule.method
    /// What resamples are drawn from; a string, since it may be larger than what other programs read as a number.
    public var seed = ""
    /// The data set.
    public var dataDigest = ""
    /// The external set; `nil` where there is none.
    public var testDataDigest: String?
    /// Which labels count.
    public var labels = LabelRuleSummary()
    /// How many records there are.
    public var records = RecordCounts()

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("readout", \.readout), .always("crops", \.crops), .always("seed", \.seed),
            .always("data_sha256", \.dataDigest), .always("test_data_sha256", \.testDataDigest),
            .always("labels", \.labels), .always("records", \.records),
        ]
    }
}

/// What `evaluate` says of one run.
public struct Evaluation: SchemaObject {
    /// What was measured on what.
    public var assessment = AssessmentSummary()
    /// The run.
    public var run = RunSummary()
    /// What stands beside it, by name.
    public var controls: [String: ModelSummary] = [:]

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        SchemaField.spread(\.assessment) + SchemaField.spread(\.run) + [
            .always("controls", \.controls)
        ]
    }
}

/// What `compare` says of several runs.
public struct Comparison: SchemaObject {
    /// What was measured on what.
    public var assessment = AssessmentSummary()
    /// The runs, in the order in which they were named.
    public var runs: [RunSummary] = []
    /// What stands beside them, by name.
    public var controls: [String: ModelSummary] = [:]

    /// What an evaluation of one run does not have.
    static let runsKey = "runs"

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        SchemaField.spread(\.assessment) + [
            .always(runsKey, \.runs), .always("controls", \.controls),
        ]
    }
}

/// What `evaluate --json` and `compare --json` print.
public enum EvaluationDocument: Sendable {
    /// Of one run.
    case evaluation(Evaluation)
    /// Of several.
    case comparison(Comparison)

    /// The number of the schema: another one for other members, or for the same with another meaning.
    public static let schema = 1
    /// What the encoder of an evaluation is called beside its controls.
    public static let encoderName = "encoder"
    private static let schemaKey = "schema"

    /// Reads what a file holds.
    ///
    /// Files of version 0.1 have the same members and no number.
    ///
    /// - Parameters:
    ///   - json: The content.
    ///   - file: Its name, for errors.
    /// - Throws: `SchemaError` that names file and key.
    public init(_ json: JSONValue, file: String) throws(SchemaError) {
        let place = SchemaPlace(file: file)
        guard var members = json.objectValue else {
            throw place.mistyped(json, wanted: "an object")
        }
        let found = members.removeValue(forKey: Self.schemaKey)
        if let found, found.doubleValue != Double(Self.schema) {
            throw .otherSchema(file: file, found: found.text())
        }
        self =
            members[Comparison.runsKey] != nil
            ? .comparison(try Comparison(.object(members), at: place))
            : .evaluation(try Evaluation(.object(members), at: place))
    }

    /// Reads a file.
    ///
    /// - Throws: `SchemaError`, and `SystemError` where the file cannot be read.
    public init(path: FilePath) throws {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: try path.contents())
        } catch let error as JSONSyntaxError {
            throw SchemaError.notJSON(file: path.text, problem: "\(error)")
        }
        try self.init(json, file: path.text)
    }

    /// The content of a file.
    public var json: JSONValue {
        let body =
            switch self {
            case .evaluation(let evaluation): evaluation.json
            case .comparison(let comparison): comparison.json
            }
        var members = body.objectValue ?? [:]
        members[Self.schemaKey] = Self.schema.json
        return .object(members)
    }

    /// What was measured on what.
    public var assessment: AssessmentSummary {
        switch self {
        case .evaluation(let evaluation): evaluation.assessment
        case .comparison(let comparison): comparison.assessment
        }
    }

    /// The runs, the first one first.
    public var runs: [RunSummary] {
        switch self {
        case .evaluation(let evaluation): [evaluation.run]
        case .comparison(let comparison): comparison.runs
        }
    }

    /// What stands beside them, by name.
    public var controls: [String: ModelSummary] {
        switch self {
        case .evaluation(let evaluation): evaluation.controls
        case .comparison(let comparison): comparison.controls
        }
    }

    /// Whether several runs stand side by side.
    public var isComparison: Bool {
        if case .comparison = self { true } else { false }
    }
}
