import Configurations
import Evaluation
import EvaluationSchema
import Runtime

extension Evaluation {
    /// An evaluation, to be written.
    ///
    /// - Parameters:
    ///   - run: The run as the user named it.
    ///   - encoder: Its encoder.
    ///   - model: What the encoder's vectors are worth.
    ///   - controls: What stands beside it.
    ///   - assessment: What all were measured on.
    ///   - hasMap: Whether the places of records are written.
    public init(
        of run: String, encoder: TrainedEncoder, model: EvaluatedModel, controls: [EvaluatedModel],
        on assessment: Assessment, hasMap: Bool
    ) {
        self.init()
        self.assessment = assessment.summary
        self.run = RunSummary(
            run, encoder: encoder, model: model,
            records: hasMap ? assessment.records.test : nil)
        let segmented = controls.first { $0.name == Control.parametersInSegments.rawValue }
        for control in controls {
            var summary = control.results.summary
            summary.encoderLessControl =
                PairedComparison(model.results, less: control.results).summary
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
    ///   - model: What the encoder's vectors are worth.
    ///   - records: The test records where their places are written; `nil` leaves them out.
    init(
        _ run: String, encoder: TrainedEncoder, model: EvaluatedModel, records: [EvaluatedRecord]?
    ) {
        self.init()
        (self.run, self.encoder) = (run, encoder.summary)
        results = model.results.summary
        map = records.flatMap { model.map?.summary(of: $0) }
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

    /// What `--json` says beside an answer that the encoder gave.
    ///
    /// - Parameters:
    ///   - run: The run as the user named it.
    ///   - readout: Which vectors were taken.
    ///   - svg: Where the drawing is; `nil` where there is none.
    /// - Returns: The encoder's members and these.
    func members(run: FilePath, readout: Readout, svg: FilePath?) -> [String: JSONValue] {
        var members = summary.json.objectValue ?? [:]
        members["run"] = .string(run.text)
        members["readout"] = .string(readout.rawValue)
        members["svg"] = svg.map { .string($0.text) } ?? .null
        return members
    }
}

extension ResultTable {
    /// All tables of an evaluation, those that have rows.
    public static func evaluation(
        _ model: EvaluatedModel, controls: [EvaluatedModel]
    ) -> [[[String]]] {
        let all = [model] + controls
        var tables = [classification(all)] + clusters(all)
        if model.results.parameters != nil { tables.append(parameters(model)) }
        if model.results.linearSubgroups != nil { tables.append(subgroups(model)) }
        if all.contains(where: { $0.results.finetune != nil }) { tables.append(finetuning(all)) }
        if all.contains(where: { $0.results.labelEfficiency != nil }) {
            tables.append(labelEfficiency(all))
        }
        if !controls.isEmpty { tables.append(differences(of: model, to: controls)) }
        return tables
    }
}
