import CommandLineInterface
import Evaluation
import EvaluationSchema
import Runtime

/// An encoder with its controls beside it, and both trained on where that is asked for.
public struct EncoderEvaluation {
    private let model: EvaluatedModel
    private let controls: [EvaluatedModel]
    private let encoder: TrainedEncoder
    private let assessment: Assessment

    /// Measures an encoder.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - assessment: What it is measured on.
    ///   - hasControls: Whether controls stand beside it.
    ///   - finetuning: Trains it and the first control on; called where the protocol finetune is asked for, once all others are done.
    /// - Throws: `FinetuneRuns.Ended` where somebody wishes to end, `EvaluationError`, `MetricError`, and whatever keeps a window
    ///   from being read.
    public init(
        of encoder: TrainedEncoder, on assessment: Assessment, hasControls: Bool,
        finetuning: () throws -> FinetuneRuns
    ) throws {
        (self.encoder, self.assessment) = (encoder, assessment)
        let line = ProgressLine()
        var model = try assessment.assess(encoder, name: EvaluationDocument.encoderName) {
            line.update("\($0): record \($1)/\($2)")
        }
        var controls =
            hasControls
            ? try assessment.controls(of: encoder, assessed: model) {
                line.update("control \($0): record \($1)/\($2)")
            } : []
        line.finish()
        if assessment.settings.protocols.contains(.finetune), !encoder.isClassifier {
            let runs = try finetuning()
            try runs.measure(&model, isControl: false)
            // The first control is the encoder with random weights.
            if !controls.isEmpty { try runs.measure(&controls[0], isControl: true) }
        }
        (self.model, self.controls) = (model, controls)
    }

    /// The evaluation, to be printed.
    ///
    /// - Parameters:
    ///   - run: The run as the user named it.
    ///   - hasMap: Whether the places of records are written.
    /// - Returns: What `--json` and text print.
    public func result(of run: String, hasMap: Bool) -> EvaluatedModels {
        let evaluation = Evaluation(
            of: run, encoder: encoder, model: model, controls: controls, on: assessment,
            hasMap: hasMap)
        return EvaluatedModels(
            .evaluation(evaluation), models: [model] + controls,
            tables: ResultTable.evaluation(model, controls: controls), on: assessment)
    }
}

extension RunComparison {
    /// Measures the newest encoder of each run, all on the same records.
    ///
    /// - Parameters:
    ///   - runs: The run directories; not none.
    ///   - data: The prepared set's file.
    ///   - testData: That of a second one, tested whole; `nil` for none.
    ///   - settings: What is measured.
    ///   - hasMaps: Whether the places of records are written.
    /// - Returns: What `--json` and text print.
    /// - Throws: `CommandError` where runs keep other folds for the test, and what `Assessment` throws.
    public static func result(
        of runs: [FilePath], data: FilePath, testData: FilePath?, settings: AssessmentSettings,
        hasMaps: Bool
    ) throws -> EvaluatedModels {
        let encoders = try runs.map { (name: $0.text, encoder: try TrainedEncoder(run: $0)) }
        guard let first = encoders.first else { throw CommandError(.usage, "RUN is missing") }
        let folds = first.encoder.configuration.data
        for (name, encoder) in encoders where encoder.configuration.data != folds {
            throw CommandError(
                .usage, "\(first.name) and \(name) keep other folds for validation and test")
        }
        let assessment = try Assessment(
            of: first.encoder, data: data, testData: testData, settings: settings)
        let line = ProgressLine()
        let comparison = try RunComparison(of: encoders, on: assessment) {
            line.update("\($0): record \($1)/\($2)")
        }
        line.finish()
        return EvaluatedModels(
            .comparison(comparison.summary(hasMaps: hasMaps)),
            models: comparison.models + comparison.controls, tables: comparison.tables,
            on: assessment)
    }
}
