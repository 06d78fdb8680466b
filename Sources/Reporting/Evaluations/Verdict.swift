import EvaluationSchema

/// Whether the first model is better than the others, in words for people who do not know the measures.
struct Verdict {
    /// What a paired difference with its interval allows to say.
    enum Outcome: String {
        case better
        case worse
        case undecided = "not told apart"
    }

    /// The first model against another one.
    struct Comparison {
        let model: ReportedModel
        let outcome: Outcome
        let difference: Double
        let interval: SchemaInterval

        init?(
            _ model: ReportedModel, measure: ComparedMeasure,
            of differences: DifferenceSummaries?
        ) {
            guard let found = differences?[measure] ?? nil else { return nil }
            self.model = model
            (difference, interval) = (found.difference, found.interval)
            outcome = interval.lower > 0 ? .better : interval.upper < 0 ? .worse : .undecided
        }

        var text: String {
            "\(signed(difference)) (\(signed(interval.lower)) to \(signed(interval.upper)))"
        }
    }

    /// The measure that decides, for people.
    let measureTitle: String
    /// One a model that the first was compared to.
    let comparisons: [Comparison]
    /// What the first model adds to clinical parameters, where that was measured.
    let addition: Comparison?
    private let subject: String
    private let isComparison: Bool
    private let hasControls: Bool

    /// Measures that can decide, the best first.
    private static let measures: [(ComparedMeasure, String)] = [
        (.linearAUROC, "AUROC of the linear probe, the mean over the classes"),
        (.neighbourAUROC, "AUROC of k-nearest neighbours, the mean over the classes"),
    ]

    init(_ models: [ReportedModel]) {
        let found = Self.measures.lazy.map { key, title in
            (title, models.compactMap { Comparison($0, measure: key, of: $0.difference) })
        }.first { !$0.1.isEmpty }
        measureTitle = found?.0 ?? Self.measures[0].1
        // The encoder is a part of what it stands beside clinical parameters in, so that is no rival.
        comparisons = (found?.1 ?? []).filter { !$0.model.isControl(.withParameters) }
        addition = models.first { $0.isControl(.withParameters) }.flatMap {
            Comparison(
                $0, measure: Self.measures[0].0, of: $0.results.thisLessParameters)
        }
        subject = models.first?.title ?? "the encoder"
        isComparison = models.count { !$0.isControl } > 1
        hasControls = models.contains { $0.isControl }
    }

    /// One sentence that answers the question.
    var headline: String {
        guard !comparisons.isEmpty else {
            return hasControls || isComparison
                ? "No verdict: none of the chosen protocols compares classifiers."
                : "No verdict: nothing stands beside the encoder, and a number alone says little."
        }
        func titles(_ word: String, _ outcome: (Outcome) -> Bool) -> String {
            Self.list(comparisons.filter { outcome($0.outcome) }.map(\.model.title), word)
        }
        if comparisons.allSatisfy({ $0.outcome == .better }) {
            return isComparison
                ? "\(subject) is better than everything that it was set beside."
                : "Yes: on these records the encoder is better than every control."
        }
        let better = titles("and") { $0 == .better }
        let (open, worse) = (titles("or") { $0 == .undecided }, titles("and") { $0 == .worse })
        let limits = [
            open.isEmpty ? nil : "not shown to be better than \(open)",
            worse.isEmpty ? nil : "worse than \(worse)",
        ].compactMap { $0 }.joined(separator: ", and ")
        let random = comparisons.first { $0.model.name == Control.random.rawValue }
        if !isComparison, let random, random.outcome != .better {
            return "No: the encoder is "
                + (random.outcome == .worse
                    ? "worse than" : "not shown to be better than")
                + " the same network before any training, so its training is not shown to have helped."
        }
        guard !better.isEmpty else {
            return "No: \(isComparison ? subject : "the encoder") is \(limits)."
        }
        return isComparison
            ? "\(subject) is better than \(better), but \(limits)."
            : "In part: the encoder is better than \(better), but \(limits)."
    }

    /// Whether the encoder knows something that clinical parameters do not tell; `nil` where that was not measured.
    var additionText: String? {
        addition.map { addition in
            let answer =
                switch addition.outcome {
                case .better: "Beside clinical parameters the encoder tells something new"
                case .worse: "Beside clinical parameters the encoder does harm"
                case .undecided:
                    "Beside clinical parameters the encoder is not shown to tell anything new"
                }
            return
                "\(answer): both together less parameters alone, \(addition.text) by AUROC of the "
                + "linear probe."
        }
    }

    /// What was compared, and what that does not say.
    func explanation(records: Int) -> String {
        return """
            The measure is the \(measureTitle), on \(records) test records that neither training nor choosing saw. A \
            difference is “better” or “worse” where its whole 95 % interval lies on one side of zero, and “not told apart” \
            where it does not: then more records are needed. Both models are measured on the same 1000 resamples of the \
            records, so records that are hard for both do not blur the difference. The intervals speak of other records of \
            the same kind: they know nothing of another hospital, another split or another seed of the training, and are not \
            corrected for the number of comparisons.
            """
    }

    /// “A, than B and than C”, for behind “better than”.
    private static func list(_ texts: [String], _ word: String) -> String {
        guard let last = texts.last, texts.count > 1 else { return texts.first ?? "" }
        return texts.dropLast().joined(separator: ", than ") + " \(word) than " + last
    }
}
