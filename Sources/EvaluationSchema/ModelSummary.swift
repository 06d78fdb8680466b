/// How well a clinical parameter is read out.
public struct ParameterReadingSummary: SchemaObject {
    /// The share of its variance that is explained; `nil` where too few records have it.
    public var r2: Double?
    /// Where 95 % of resamples lie.
    public var r2Interval: SchemaInterval?
    /// The chosen penalty.
    public var penalty: Double?
    /// Test records that have it.
    public var records = 0

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("r2", \.r2), .always("r2_interval", \.r2Interval),
            .always("penalty", \.penalty), .always("records", \.records),
        ]
    }

    /// The share with its interval.
    public var measure: SchemaMeasure? {
        r2.map { SchemaMeasure(value: $0, interval: r2Interval) }
    }
}

/// How well clinical parameters are read out.
public struct ParameterSummary: SchemaObject {
    /// By the parameters' names.
    public var test: [String: ParameterReadingSummary] = [:]

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] { [.always("test", \.test)] }
}

/// Mean and deviation over draws, `nil` where there are too few, and the numbers themselves.
public struct SpreadSummary: SchemaObject {
    /// The mean.
    public var mean: Double?
    /// The sample deviation.
    public var deviation: Double?
    /// A number a draw.
    public var values: [Double?] = []

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("mean", \.mean), .always("deviation", \.deviation),
            .always("values", \.values),
        ]
    }
}

/// What is reached with one part of the labels.
public struct LabelPartSummary: SchemaObject {
    /// Of the patients with labelled records.
    public var fraction = 0.0
    /// How often it was drawn.
    public var draws = 0
    /// Training records of each draw.
    public var records: [Int] = []
    /// On the test fold.
    public var aurocMacro = SpreadSummary()
    /// On the test fold.
    public var f1Macro = SpreadSummary()

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("fraction", \.fraction), .always("draws", \.draws),
            .always("records", \.records), .always("auroc_macro", \.aurocMacro),
            .always("f1_macro", \.f1Macro),
        ]
    }
}

/// What is reached with parts of the labels.
public struct LabelEfficiencySummary: SchemaObject {
    /// By the linear probe.
    public var linear: [LabelPartSummary]?
    /// By fine-tuning.
    public var finetune: [LabelPartSummary]?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [.maybe("linear", \.linear), .maybe("finetune", \.finetune)]
    }
}

/// What two models are compared by.
public enum ComparedMeasure: String, Sendable, CaseIterable, SchemaKey {
    case linearAUROC = "linear_auroc_macro"
    case linearF1 = "linear_f1_macro"
    case linearF1AtHalf = "linear_f1_macro_at_half"
    case neighbourAUROC = "knn_auroc_macro"
    case neighbourWeightedF1 = "knn_f1_weighted"
    case finetuneAUROC = "finetune_auroc_macro"
    case finetuneF1 = "finetune_f1_macro"
    /// The first fine-tuned, the other one by the linear probe.
    case finetuneLessLinearAUROC = "finetune_less_linear_auroc_macro"
}

/// A difference on the same resamples.
public struct DifferenceSummary: SchemaObject {
    /// The first less the other.
    public var difference = 0.0
    /// Where 95 % of resamples lie.
    public var interval = SchemaInterval(lower: 0, upper: 0)
    /// Twice the smaller share of resamples on one side of zero.
    public var pValue = 0.0

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("difference", \.difference), .always("interval", \.interval),
            .always("p_value", \.pValue),
        ]
    }
}

/// Differences by measure; `nil` where one could not be taken.
public typealias DifferenceSummaries = [ComparedMeasure: DifferenceSummary?]

/// All that is said of one encoder's vectors, or of a control's.
public struct ModelSummary: SchemaObject {
    /// Numbers of a record.
    public var dimension = 0
    /// The linear probe.
    public var linear: LinearSummary?
    /// Nearest neighbours.
    public var neighbours: NeighbourSummary?
    /// Distances between the classes.
    public var clusters: ClusterSummary?
    /// Clinical parameters read out.
    public var parameters: ParameterSummary?
    /// The encoder trained on with a head.
    public var finetune: FinetuneSummary?
    /// What fewer labels give.
    public var labelEfficiency: LabelEfficiencySummary?
    /// Of a control: what the evaluated encoder has more.
    public var encoderLessControl: DifferenceSummaries?
    /// Of encoder and clinical parameters side by side: what they have more than parameters alone.
    public var thisLessParameters: DifferenceSummaries?
    /// In a comparison: what the first run has more.
    public var firstRunLessThis: DifferenceSummaries?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("dimension", \.dimension), .maybe("linear", \.linear),
            .maybe("knn", \.neighbours), .maybe("clusters", \.clusters),
            .maybe("parameters", \.parameters), .maybe("finetune", \.finetune),
            .maybe("label_efficiency", \.labelEfficiency),
            .maybe("encoder_less_control", \.encoderLessControl),
            .maybe("this_less_parameters", \.thisLessParameters),
            .maybe("first_run_less_this", \.firstRunLessThis),
        ]
    }
}
