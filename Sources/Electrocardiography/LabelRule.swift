/// Which diagnostic codes count as labels.
public struct LabelRule: Sendable, Equatable {
    /// Codes of a lower likelihood, in percent, do not count; `nil` counts every listed code, as the benchmark of PTB-XL does.
    public var minimumLikelihood: Float?
    /// Whether codes of likelihood 0, which means unknown, do not count.
    public var dropsUnknown: Bool

    /// A rule.
    public init(minimumLikelihood: Float? = nil, dropsUnknown: Bool = false) {
        self.minimumLikelihood = minimumLikelihood
        self.dropsUnknown = dropsUnknown
    }

    /// The superclasses of a record.
    public func superclasses(
        of record: RecordDescription, in dataset: PreparedDataset
    ) -> Superclasses {
        // Sources of other kinds have no likelihoods: they are sure of all their codes.
        guard minimumLikelihood != nil || dropsUnknown,
            dataset.sources[record.source] == PreparedDataset.ptbxlSource
        else { return record.superclasses }
        var classes = Superclasses()
        for code in record.codes where counts(code.likelihood) {
            guard let found = dataset.superclass(ofCode: code.code) else { continue }
            classes.insert(Superclasses(found))
        }
        return classes
    }

    private func counts(_ likelihood: Float?) -> Bool {
        guard let likelihood else { return true }
        guard likelihood != 0 else { return !dropsUnknown }
        return likelihood >= minimumLikelihood ?? 0
    }
}
