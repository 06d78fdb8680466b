import Configurations
import Evaluation
import Runtime

/// What the user says of the fine-tuning in an evaluation.
public struct FinetuneSettings: Sendable {
    /// Where its runs are kept; `nil` for `finetune` in the encoder's run directory.
    public var folder: FilePath?
    /// The configuration's file; `nil` for 10 epochs with the encoder's sizes.
    public var configuration: FilePath?
    /// What replaces values of the configuration, each as `key=value`.
    public var overrides: [String] = []
    /// Workers to train with; `nil` for this process alone.
    public var workers: Int?

    /// Fine-tuning of which nobody says anything.
    public init() {}
}

/// What is trained where an encoder is fine-tuned for its evaluation: a function of what is given, and of nothing on the disk but the
/// configuration's file.
struct FinetunePlan {
    let settings: FinetuneSettings
    /// How the encoder was trained.
    let encoder: Configuration
    /// Names the encoder's weights in a configuration.
    let weights: String
    /// What labels count, and what parts of them are drawn from.
    let assessment: AssessmentSettings
    /// Labelled records of the training folds.
    let trainingRecordCount: Int

    /// The name of a run among those of the evaluation.
    static func name(fraction: Double, isControl: Bool) -> String {
        (isControl ? "scratch" : "pretrained") + (fraction < 1 ? "-labels-\(fraction)" : "")
    }

    /// The configuration of a run.
    ///
    /// - Parameters:
    ///   - fraction: The part of the labels that it gets.
    ///   - isControl: Whether training begins with random weights.
    /// - Returns: The configuration.
    /// - Throws: `ConfigurationError`.
    func configuration(fraction: Double, isControl: Bool) throws -> Configuration {
        let rule = assessment.rule
        var overrides = settings.overrides
        overrides += ["labels.fraction=\(fraction)", "labels.seed=\(assessment.seed)"]
        if let least = rule.minimumLikelihood {
            overrides.append("labels.minimumLikelihood=\(Int(least))")
        }
        if rule.dropsUnknown { overrides.append("labels.dropUnknown=true") }
        // What nobody has trained yet has no lower layers worth keeping.
        overrides += isControl ? ["layerDecay=1", "learningRateFactor=1"] : [weights]
        if let path = settings.configuration {
            return try Configuration(path: path, overrides: overrides)
        }
        let batchSize = 32
        let epochs = (10 * trainingRecordCount + batchSize - 1) / batchSize
        // Few records need fewer steps, but more epochs.
        let steps = max(Int((Double(epochs) * fraction).rounded(.up)), (epochs + 3) / 4)
        let every = max(1, steps / 10)
        let pooling = encoder.method.encoder?.pooling ?? .mean
        return try encoder.finetuning(
            [
                "batchSize": .integer(Int64(batchSize)), "logicalShards": 4,
                "steps": .integer(Int64(steps)),
                "checkpoint": ["everySteps": .integer(Int64(every)), "keep": 100],
                "validation": ["everySteps": .integer(Int64(every))],
            ],
            overrides: ["readout=\(pooling.rawValue)"] + overrides)
    }
}
