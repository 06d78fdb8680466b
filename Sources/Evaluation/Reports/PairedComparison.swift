import Runtime

/// How two contenders differ on the same test records.
public struct PairedComparison: Sendable {
    /// A measure and the difference in it; `nil` where it could not be taken.
    public let differences: [(name: String, difference: PairedDifference?)]

    /// Compares what both have.
    ///
    /// - Parameters:
    ///   - first: Whose measures come first.
    ///   - second: Whose measures are taken away.
    public init(_ first: ProtocolResults, less second: ProtocolResults) {
        typealias Measure = (ClassificationReport) -> ([Double]) -> Double?
        func compare(
            _ name: String, _ a: ClassificationReport?, _ b: ClassificationReport?,
            _ measure: Measure
        ) -> [(name: String, difference: PairedDifference?)] {
            guard let a, let b else { return [] }
            let paired = PairedDifference(
                over: a.resamples, once: a.scored.once, first: measure(a), second: measure(b))
            return [(name, paired)]
        }
        let (linear, other) = (first.linear?.test, second.linear?.test)
        let (near, otherNear) = (
            first.neighbours?.variants.first?.test, second.neighbours?.variants.first?.test
        )
        let (tuned, otherTuned) = (first.finetune?.test, second.finetune?.test)
        differences =
            compare("linear_auroc_macro", linear, other) { $0.macroAUROC }
            + compare("linear_f1_macro", linear, other) { $0.macroF1 }
            + compare("linear_f1_macro_at_half", linear, other) { $0.macroF1AtHalf }
            + compare("knn_auroc_macro", near, otherNear) { $0.macroAUROC }
            + compare("knn_f1_weighted", near, otherNear) { $0.weightedF1 }
            + compare("finetune_auroc_macro", tuned, otherTuned) { $0.macroAUROC }
            + compare("finetune_f1_macro", tuned, otherTuned) { $0.macroF1 }
            + compare("finetune_less_linear_auroc_macro", tuned, other) { $0.macroAUROC }
    }

    /// The differences by name.
    public var json: JSONValue {
        var members: [String: JSONValue] = [:]
        for (name, difference) in differences {
            members[name] =
                difference.map {
                    [
                        "difference": .number($0.difference), "interval": $0.interval.json,
                        "p_value": .number($0.pValue),
                    ]
                } ?? .null
        }
        return .object(members)
    }
}
