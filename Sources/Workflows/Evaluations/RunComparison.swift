import Configurations
import Evaluation
import EvaluationSchema

/// Several runs on the same records, with what stands beside them.
public struct RunComparison {
    /// The runs, in the order in which they were named.
    public let models: [EvaluatedModel]
    /// Each kind of encoder with random weights, then the controls that are the same for all.
    public let controls: [EvaluatedModel]
    private let encoders: [(name: String, encoder: TrainedEncoder)]
    private let assessment: Assessment

    /// Measures all runs.
    ///
    /// - Parameters:
    ///   - encoders: The runs under their names; not none.
    ///   - assessment: What they are measured on.
    ///   - progress: Told how far the work is.
    /// - Throws: `EvaluationError`, `MetricError`, and whatever keeps a window from being read.
    public init(
        of encoders: [(name: String, encoder: TrainedEncoder)], on assessment: Assessment,
        progress: @escaping Assessment.Progress
    ) throws {
        precondition(!encoders.isEmpty, "no runs to compare")
        (self.encoders, self.assessment) = (encoders, assessment)
        var models: [EvaluatedModel] = []
        var kinds: [Configuration] = []
        for (name, encoder) in encoders {
            models.append(try assessment.assess(encoder, name: name, progress: progress))
            let isNew = !kinds.contains { $0.hasSameRandomWeights(as: encoder.configuration) }
            if isNew { kinds.append(encoder.configuration) }
        }
        var controls: [EvaluatedModel] = []
        for (number, configuration) in kinds.enumerated() {
            let name =
                kinds.count == 1
                ? Control.random.rawValue
                : Control.randomName(number + 1, method: configuration.method.name)
            controls.append(
                try assessment.assessRandomWeights(
                    of: configuration, name: name, progress: progress))
        }
        self.models = models
        self.controls = controls + (try assessment.plainControls(progress: progress))
    }

    /// All tables.
    public var tables: [[[String]]] {
        let all = models + controls
        return [ResultTable.classification(all)] + ResultTable.clusters(all)
            + [ResultTable.differences(of: models[0], to: Array(all.dropFirst()))]
    }

    /// The comparison, to be written.
    ///
    /// - Parameter hasMaps: Whether the places of records are written.
    /// - Returns: All that was measured.
    public func summary(hasMaps: Bool) -> Comparison {
        func difference(_ model: EvaluatedModel) -> DifferenceSummaries {
            PairedComparison(models[0].results, less: model.results).summary
        }
        var comparison = Comparison()
        comparison.assessment = assessment.summary
        comparison.runs = zip(encoders, models).map { named, model in
            var run = RunSummary(
                named.name, encoder: named.encoder, model: model,
                records: hasMaps ? assessment.records.test : nil)
            run.results.firstRunLessThis = difference(model)
            return run
        }
        for control in controls {
            var summary = control.results.summary
            summary.firstRunLessThis = difference(control)
            comparison.controls[control.name] = summary
        }
        return comparison
    }
}

extension Configuration {
    /// Whether both begin with the same random weights.
    fileprivate func hasSameRandomWeights(as other: Configuration) -> Bool {
        method == other.method && seed == other.seed && input == other.input
            && details.isEqual(to: other.details)
    }
}
