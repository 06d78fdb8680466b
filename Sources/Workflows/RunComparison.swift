import Configurations
import Evaluation
import EvaluationSchema

/// Several runs on the same records, with what stands beside them.
public struct RunComparison {
    /// The runs, in the order in which they were named.
    public let contenders: [Contender]
    /// Each kind of encoder as it is drawn, then the controls that are the same for all.
    public let controls: [Contender]
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
        var contenders: [Contender] = []
        var drawn: [Configuration] = []
        for (name, encoder) in encoders {
            contenders.append(try assessment.assess(encoder, name: name, progress: progress))
            let isNew = !drawn.contains { $0.drawsSameEncoder(as: encoder.configuration) }
            if isNew { drawn.append(encoder.configuration) }
        }
        var controls: [Contender] = []
        for (number, configuration) in drawn.enumerated() {
            let name =
                drawn.count == 1
                ? Control.random.rawValue
                : Control.drawn(number + 1, method: configuration.method.name)
            controls.append(try assessment.drawn(by: configuration, name: name, progress: progress))
        }
        self.contenders = contenders
        self.controls = controls + (try assessment.plainControls(progress: progress))
    }

    /// All tables.
    public var tables: [[[String]]] {
        let all = contenders + controls
        return [ResultTable.classification(all)] + ResultTable.clusters(all)
            + [ResultTable.differences(of: contenders[0], to: Array(all.dropFirst()))]
    }

    /// The comparison, to be written.
    ///
    /// - Parameter hasMaps: Whether the places of records are written.
    /// - Returns: All that was measured.
    public func summary(hasMaps: Bool) -> Comparison {
        func difference(_ contender: Contender) -> DifferenceSummaries {
            PairedComparison(contenders[0].results, less: contender.results).summary
        }
        var comparison = Comparison()
        comparison.assessment = assessment.summary
        comparison.runs = zip(encoders, contenders).map { named, contender in
            var run = RunSummary(
                named.name, encoder: named.encoder, contender: contender,
                records: hasMaps ? assessment.records.test : nil)
            run.results.firstRunLessThis = difference(contender)
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
    /// Whether both draw the same weights before the first step.
    fileprivate func drawsSameEncoder(as other: Configuration) -> Bool {
        method == other.method && seed == other.seed && input == other.input
            && details.isEqual(to: other.details)
    }
}
