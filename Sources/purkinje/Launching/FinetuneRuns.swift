import Checkpoints
import CommandLineInterface
import Configurations
import Evaluation
import Foundation
import Runs
import Runtime
import Workflows

/// The fine-tuning of an encoder as a part of its evaluation: each in a run folder of its own, gone on with where it was.
struct FinetuneRuns {
    static let folder = Option(
        "finetune-run", .directory, otherwise: "finetune in the run directory",
        help: "Where fine-tuning keeps its runs; what is finished there is not done again.")
    static let configuration = Option(
        "finetune-config", .file, otherwise: "10 epochs with the encoder's sizes",
        help: "The configuration of fine-tuning, a JSON file with the method finetune.")
    static let set = Option(
        repeated: "set", .text.named("KEY=VALUE"),
        help: "Override one value of the fine-tuning, such as optimizer.learningRate=1e-3.")
    static let workers = Option(
        "workers", .count, otherwise: "one process, no network",
        help: "Fine-tune with a coordinator and so many workers, of --threads threads each.")

    /// All flags.
    static let options: [any Parameter] = [folder, configuration, set, workers]

    private let folder: FilePath
    private let given: Invocation
    private let encoder: TrainedEncoder
    private let assessment: Assessment
    private let weights: InitialWeights

    /// Fine-tuning of the encoder that the user names.
    init(_ given: Invocation, of encoder: TrainedEncoder, in assessment: Assessment) throws {
        self.given = given
        self.encoder = encoder
        self.assessment = assessment
        let run = given[EncoderOptions.run]
        folder = given[Self.folder] ?? run + "/finetune"
        weights = try InitialWeights(path: run, step: encoder.step)
    }

    /// The user or a scheduler wishes to end, or the workers failed: nothing more can be measured.
    struct Ended: Error {
        let code: ExitCode
    }

    /// Trains the encoder, or the same from drawn weights, and measures its head at the step that is best on the
    /// validation fold.
    ///
    /// - Parameters:
    ///   - model: Gets the results.
    ///   - isControl: Whether training begins with drawn weights.
    /// - Throws: `Ended`, and whatever keeps a run from going on.
    func measure(_ model: inout EvaluatedModel, isControl: Bool) throws {
        model.results.finetune = try head(fraction: 1, isControl: isControl)
        let settings = assessment.settings
        guard !settings.labelFractions.isEmpty else { return }
        var efficiency = model.results.labelEfficiency ?? LabelEfficiency()
        for fraction in settings.labelFractions {
            let head =
                fraction == 1
                ? model.results.finetune
                : try head(fraction: fraction, isControl: isControl)
            guard let head else { continue }
            let rows = assessment.records.trainingRows(
                fraction: fraction, seed: settings.seed, in: assessment.dataset)
            efficiency.finetune.append(
                LabelEfficiency.Point(fraction: fraction, records: rows.count, head.test))
        }
        model.results.labelEfficiency = efficiency
    }

    private func head(fraction: Double, isControl: Bool) throws -> FinetuneProtocol {
        let name =
            (isControl ? "scratch" : "pretrained") + (fraction < 1 ? "-labels-\(fraction)" : "")
        let directory = RunDirectory(path: folder.appending(FilePath(name)))
        let configuration = try configuration(fraction: fraction, isControl: isControl)
        try train(configuration, in: directory, isControl: isControl)
        let step = try BestStep.find(in: directory, configuration: configuration)
        let holder =
            try CheckpointStore(path: directory.checkpointsPath).list().contains { $0.step == step }
            ? directory
            : try trainAgain(configuration, to: step, beside: directory, isControl: isControl)
        let tuned = try TrainedEncoder(run: holder, step: step) {
            Log().warning("\($0) is passed over: \($1)")
        }
        let line = ProgressLine()
        defer { line.finish() }
        return try assessment.head(of: tuned, name: name) {
            line.update("\($0): record \($1)/\($2)")
        }
    }

    // MARK: What is trained

    private func configuration(
        fraction: Double, isControl: Bool
    ) throws -> Configuration {
        let (settings, rule) = (assessment.settings, assessment.settings.rule)
        var overrides = given[Self.set]
        overrides += ["labels.fraction=\(fraction)", "labels.seed=\(settings.seed)"]
        if let least = rule.minimumLikelihood {
            overrides.append("labels.minimumLikelihood=\(Int(least))")
        }
        if rule.dropsUnknown { overrides.append("labels.dropUnknown=true") }
        // What nobody has trained yet has no lower layers worth keeping.
        overrides.append(isControl ? "layerDecay=1" : weights.override())
        if let path = given[Self.configuration] {
            return try Configuration(path: path, overrides: overrides)
        }
        let batchSize = 32
        let epochs = (10 * assessment.records.training.count + batchSize - 1) / batchSize
        // Few records need fewer steps, but more epochs.
        let steps = max(Int((Double(epochs) * fraction).rounded(.up)), (epochs + 3) / 4)
        let every = max(1, steps / 10)
        let readout = encoder.configuration.method.encoder?.readout ?? .mean
        return try encoder.configuration.finetuning(
            [
                "batchSize": .integer(Int64(batchSize)), "logicalShards": 4,
                "steps": .integer(Int64(steps)),
                "checkpoint": ["everySteps": .integer(Int64(every)), "keep": 100],
                "validation": ["everySteps": .integer(Int64(every))],
            ],
            overrides: ["readout=\(readout.rawValue)"] + overrides)
    }

    // MARK: Training

    private func train(
        _ configuration: Configuration, in directory: RunDirectory, isControl: Bool
    ) throws {
        guard try isMissing(configuration.steps, of: configuration, in: directory) else { return }
        Log().info(
            "fine-tuning \(isControl ? "from drawn weights" : "the encoder") in \(directory.path)")
        if !isControl {
            try weights.begin(directory, configuration: configuration, fresh: false)
        }
        let code: ExitCode
        if let workers = given[Self.workers] {
            let path = directory.path + ".json"
            try AtomicFile.write(configuration.resolved.text(pretty: true) + "\n", to: path)
            code = try launch(
                LaunchSettings(workers: workers, threads: given[EncoderOptions.threads]),
                configuration: configuration, directory: directory,
                data: given[EncoderOptions.data], coordinatorArguments: ["--config", path.text])
        } else {
            code = try train(configuration, in: directory, stopAfter: nil)
        }
        guard code == .success else { throw Ended(code: code) }
    }

    private func train(
        _ configuration: Configuration, in directory: RunDirectory, stopAfter: Int?
    ) throws -> ExitCode {
        try trainInOneProcess(
            directory: directory, configuration: configuration, data: given[EncoderOptions.data],
            threads: given[EncoderOptions.threads], stopAfter: stopAfter, fresh: false)
    }

    /// Whether a step of a run has still to be trained.
    ///
    /// - Throws: Where the folder holds a run of other settings, or of another encoder.
    private func isMissing(
        _ step: Int, of configuration: Configuration, in directory: RunDirectory
    ) throws -> Bool {
        guard directory.holdsRun else { return true }
        _ = try directory.open(
            configuration: configuration, dataPath: given[EncoderOptions.data],
            dataDigest: assessment.dataset.digest)
        let saved = try CheckpointStore(path: directory.checkpointsPath).list()
        return !saved.contains { $0.step == step }
    }

    /// Trains once more to a step that was measured and not kept.
    ///
    /// A slow disk or a lost worker moves checkpoints, `checkpoint.keep` drops them. Choosing among those that are left
    /// would make the numbers depend on it; training gives the same bits again.
    private func trainAgain(
        _ configuration: Configuration, to step: UInt64, beside directory: RunDirectory,
        isControl: Bool
    ) throws -> RunDirectory {
        let again = RunDirectory(path: directory.path + "-to-step-\(step)")
        guard try isMissing(Int(step), of: configuration, in: again) else { return again }
        Log().info(
            "step \(step) of \(directory.path) is the best and was not kept; training to it again "
                + "in \(again.path)")
        if !isControl { try weights.begin(again, configuration: configuration, fresh: false) }
        let code = try train(configuration, in: again, stopAfter: Int(step))
        guard code == .success else { throw Ended(code: code) }
        return again
    }
}
