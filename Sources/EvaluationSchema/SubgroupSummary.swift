/// Records that a mean over all may hide.
public enum Subgroup: String, Sendable, CaseIterable, SchemaKey {
    /// A pacemaker drives the heart.
    case paced
    /// The signal has little of the heart's common beat in it.
    case poorQuality = "poor_quality"
    /// A diagnosis that few training records have.
    case rareCodes = "rare_codes"
    case ageBelow40 = "age_below_40"
    case age40To59 = "age_40_to_59"
    case age60To79 = "age_60_to_79"
    case age80AndAbove = "age_80_and_above"
    case female
    case male
}

/// A classifier on a group of records; measures are `nil` where the group is too small.
public struct SubgroupSummary: SchemaObject {
    /// Records of the group.
    public var records = 0
    /// Whether no class could be measured.
    public var isTooSmall = false
    /// Records of each class.
    public var support: [String: Int] = [:]
    /// AUROC of each class.
    public var auroc: [String: Double?] = [:]
    /// DeLong's interval of each class.
    public var aurocInterval: [String: SchemaInterval?] = [:]
    /// The mean over the classes that count.
    public var aurocMacro: Double?
    /// Where 95 % of resamples lie.
    public var aurocMacroInterval: SchemaInterval?
    /// The mean over the same classes on all other records.
    public var aurocMacroOfOthers: Double?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [
            .always("records", \.records), .always("too_small", \.isTooSmall),
            .always("support", \.support), .always("auroc", \.auroc),
            .always("auroc_interval", \.aurocInterval), .always("auroc_macro", \.aurocMacro),
            .always("auroc_macro_interval", \.aurocMacroInterval),
            .always("auroc_macro_of_others", \.aurocMacroOfOthers),
        ]
    }
}

/// The groups of each split.
public struct SubgroupSummaries: SchemaObject {
    /// Of the test fold.
    public var test: [Subgroup: SubgroupSummary] = [:]
    /// Of the external set.
    public var external: [Subgroup: SubgroupSummary]?

    /// Nothing measured.
    public init() {}

    /// The members' names.
    public static var fields: [SchemaField<Self>] {
        [.always("test", \.test), .always("external", \.external)]
    }
}
