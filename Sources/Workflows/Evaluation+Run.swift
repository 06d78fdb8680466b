import Evaluation
import EvaluationSchema

extension Evaluation {
    /// An evaluation, to be written.
    ///
    /// - Parameters:
    ///   - run: The run as the user named it.
    ///   - encoder: Its encoder.
    ///   - contender: What the encoder's vectors are worth.
    ///   - controls: What stands beside it.
    ///   - assessment: What all were measured on.
    ///   - hasMap: Whether the places of records are written.
    public init(
        of run: String, encoder: TrainedEncoder, contender: Contender, controls: [Contender],
        on assessment: Assessment, hasMap: Bool
    ) {
        self.init()
        self.assessment = assessment.summary
        self.run = RunSummary(
            run, encoder: encoder, contender: contender,
            records: hasMap ? assessment.records.test : nil)
        let segmented = controls.first { $0.name == Control.parametersInSegments.rawValue }
        for control in controls {
            var summary = control.results.summary
            summary.encoderLessControl =
                PairedComparison(contender.results, less: control.results).summary
            if control.name == Control.withParameters.rawValue, let segmented {
                // What the encoder knows that clinical parameters do not tell.
                summary.thisLessParameters =
                    PairedComparison(control.results, less: segmented.results).summary
            }
            self.controls[control.name] = summary
        }
    }
}

extension RunSummary {
    /// A run's results, to be written.
    ///
    /// - Parameters:
    ///   - run: The run as the user named it.
    ///   - encoder: Its encoder.
    ///   - contender: What the encoder's vectors are worth.
    ///   - records: The test records where their places are written; `nil` leaves them out.
    init(
        _ run: String, encoder: TrainedEncoder, contender: Contender, records: [EvaluatedRecord]?
    ) {
        self.init()
        (self.run, self.encoder) = (run, encoder.summary)
        results = contender.results.summary
        map = records.flatMap { contender.map?.summary(of: $0) }
    }
}

extension TrainedEncoder {
    /// What the encoder is, to be written.
    public var summary: EncoderSummary {
        var summary = EncoderSummary()
        (summary.method, summary.step) = (configuration.method.name, Int(step))
        summary.stateDigest = stateDigest?.description
        summary.dataDigest = dataDigest?.description
        return summary
    }
}

extension ResultTable {
    /// All tables of an evaluation, those that have rows.
    public static func evaluation(
        _ contender: Contender, controls: [Contender]
    ) -> [[[String]]] {
        let all = [contender] + controls
        var tables = [classification(all)] + clusters(all)
        if contender.results.parameters != nil { tables.append(parameters(contender)) }
        if contender.results.linearSubgroups != nil { tables.append(subgroups(contender)) }
        if all.contains(where: { $0.results.finetune != nil }) { tables.append(finetuning(all)) }
        if all.contains(where: { $0.results.labelEfficiency != nil }) {
            tables.append(labelEfficiency(all))
        }
        if !controls.isEmpty { tables.append(differences(of: contender, to: controls)) }
        return tables
    }
}
