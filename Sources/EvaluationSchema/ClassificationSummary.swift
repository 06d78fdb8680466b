import Runtime

/// Which of the measured records are meant.
public enum TestedSplit: Sendable {
    /// Those of the test fold.
    case test
    /// Those of the external set.
    case external
}

/// The measures of a classifier on one split of the records; what stands for classes is `nil` where it could not be measured.
public struct ClassificationSummary: SchemaObject {
    /// Measured records.
    public var records = 0
    /// Records of each class.
    public var support: [String: Int] = [:]
    /// AUROC of each class.
    public var auroc: [String: Double?] = [:]
    /// DeLong's interval of each class.
    public var aurocInterval: [String: SchemaInterval?] = [:]
    /// Average precision of each class.
    public var averagePrecision: [String: Double?] = [:]
    /// F1 of each class.
    public var f1: [String: Double?] = [:]
    /// Classes with records on one side alone.
    public var classesLeftOut: [String] = []
    /// The score from which on each class is named; `nil` where the highest score decides.
    public var thresholds: [String: Double]?
    /// Records by the true class and then the named one; `nil` where several may be named.
    public var confusion: [String: [String: Int]]?
    /// The mean over classes.
    public var aurocMacro: SchemaMeasure?
    /// The mean over records' classes.
    public var aurocWeighted: SchemaMeasure?
    /// The mean over classes.
    public var averagePrecisionMacro: SchemaMeasure?
    /// The mean over classes.
    public var f1Macro: SchemaMeasure?
    /// The mean over records' classes.
    public var f1Weighted: SchemaMeasure?
    /// F1 at the threshold 0.5, the mean over classes.
    public var f1MacroAtHalf: SchemaMeasure?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("records", \.records), .always("support", \.support),
            .always("auroc", \.auroc), .always("auroc_interval", \.aurocInterval),
            .always("average_precision", \.averagePrecision), .always("f1", \.f1),
            .always("classes_left_out", \.classesLeftOut), .maybe("thresholds", \.thresholds),
            .maybe("confusion", \.confusion), .measure("auroc_macro", \.aurocMacro),
            .measure("auroc_weighted", \.aurocWeighted),
            .measure("average_precision_macro", \.averagePrecisionMacro),
            .measure("f1_macro", \.f1Macro), .measure("f1_weighted", \.f1Weighted),
            .measure("f1_macro_at_half", \.f1MacroAtHalf),
        ]
    }
}

/// The linear probe with one kind of labels.
public struct ProbeSummary: SchemaObject {
    /// On the test fold.
    public var test = ClassificationSummary()
    /// On the external set.
    public var external: ClassificationSummary?
    /// The chosen penalty.
    public var strength = 0.0
    /// All penalties.
    public var strengths: [Double] = []
    /// Macro AUROC on the validation fold, a number a penalty.
    public var validationAUROC: [Double] = []

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("test", \.test), .maybe("external", \.external),
            .always("strength", \.strength), .always("strengths", \.strengths),
            .always("validation_auroc_macro", \.validationAUROC),
        ]
    }

    /// The measures on a split.
    public subscript(split: TestedSplit) -> ClassificationSummary? {
        split == .test ? test : external
    }
}

/// The linear probe with any number of labels a record, and beside it with one.
public struct LinearSummary: SchemaObject {
    /// With any number of labels.
    public var probe = ProbeSummary()
    /// With one.
    public var singleLabel: ProbeSummary?
    /// Groups of records.
    public var subgroups: SubgroupSummaries?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        SchemaField.spread(\.probe) + [
            .maybe("single_label", \.singleLabel), .maybe("subgroups", \.subgroups),
        ]
    }
}

/// One way of nearest neighbours.
public struct NeighbourVariantSummary: SchemaObject {
    /// How distances are measured.
    public var distance = ""
    /// How many neighbours.
    public var neighbours = 0
    /// On the test fold.
    public var test = ClassificationSummary()
    /// On the external set.
    public var external: ClassificationSummary?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("distance", \.distance), .always("neighbours", \.neighbours),
            .always("test", \.test), .always("external", \.external),
        ]
    }
}

/// Nearest neighbours: the first way, and all of them.
public struct NeighbourSummary: SchemaObject {
    /// How the first measures distances.
    public var distance = ""
    /// How many neighbours the first has.
    public var neighbours = 0
    /// The first on the test fold.
    public var test = ClassificationSummary()
    /// The first on the external set.
    public var external: ClassificationSummary?
    /// All ways.
    public var variants: [NeighbourVariantSummary] = []

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("distance", \.distance), .always("neighbours", \.neighbours),
            .always("test", \.test), .maybe("external", \.external),
            .always("variants", \.variants),
        ]
    }

    /// The measures on a split.
    public subscript(split: TestedSplit) -> ClassificationSummary? {
        split == .test ? test : external
    }
}

/// The head of a fine-tuned encoder.
public struct FinetuneSummary: SchemaObject {
    /// On the test fold.
    public var test = ClassificationSummary()
    /// On the external set.
    public var external: ClassificationSummary?
    /// Finished steps of the measured weights.
    public var step = 0
    /// Steps of the whole training.
    public var steps = 0
    /// Of the measured weights; `nil` where they were never saved.
    public var stateDigest: String?
    /// What labels it was trained on, as its configuration has it.
    public var labels = JSONValue.null
    /// The read-out, as its configuration has it.
    public var readout: String?
    /// Macro AUROC on the validation fold.
    public var validationAUROC = 0.0

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("test", \.test), .maybe("external", \.external), .always("step", \.step),
            .always("steps", \.steps), .always("state_sha256", \.stateDigest),
            .always("labels", \.labels), .always("readout", \.readout),
            .always("validation_auroc_macro", \.validationAUROC),
        ]
    }

    /// The measures on a split.
    public subscript(split: TestedSplit) -> ClassificationSummary? {
        split == .test ? test : external
    }
}

extension JSONValue: SchemaValue {
    /// Takes a value as it is: one that another schema describes.
    public init(_ json: JSONValue, at place: SchemaPlace) throws(SchemaError) { self = json }

    /// The value itself.
    public var json: JSONValue { self }
}
