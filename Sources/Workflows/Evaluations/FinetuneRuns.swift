import Checkpoints
import CommandLineInterface
import Configurations
import Evaluation
import Runs
import Runtime

/// The fine-tuning of an encoder as a part of its evaluation: each in a run folder of its own, gone on with where it was.
public struct FinetuneRuns {
    private let plan: FinetunePlan
    private let folder: FilePath
    private let data: FilePath
    private let assessment: Assessment
    private let weights: InitialWeights

    /// Fine-tuning of an encoder; nothing is trained yet.
    ///
    /// - Parameters:
    ///   - settings: What the user says of it.
    ///   - encoder: The encoder.
    ///   - run: Its run directory.
    ///   - data: The prepared data set's file.
    ///   - assessment: What heads are measured on.
    /// - Throws: Whatever keeps the encoder's weights from being read.
    public init(
        _ settings: FinetuneSettings, of encoder: TrainedEncoder, run: FilePath, data: FilePath,
        in assessment: Assessment
    ) throws {
        (self.data, self.assessment) = (data, assessment)
        folder = settings.folder ?? run + "/finetune"
        weights = try InitialWeights(path: run, step: encoder.step)
        plan = FinetunePlan(
            settings: settings, encoder: encoder.configuration,
            weights: Configuration.override(initialWeights: weights.digest),
            assessment: assessment.settings,
            trainingRecordCount: assessment.records.training.count)
    }

    /// The user or a scheduler wishes to end, or the workers failed: nothing more can be measured.
    public struct Ended: Error {
        /// What the program ends with.
        public let code: ExitCode
    }

    /// Trains the encoder, or the same from random weights, and measures its head at the step that is best on the
    /// validation fold.
    ///
    /// - Parameters:
    ///   - model: Gets the results.
    ///   - isControl: Whether training begins with random weights.
    /// - Throws: `Ended`, and whatever keeps a run from going on.
    public func measure(_ model: inout EvaluatedModel, isControl: Bool) throws {
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
        let name = FinetunePlan.name(fraction: fraction, isControl: isControl)
        let directory = RunDirectory(path: folder.appending(FilePath(name)))
        let configuration = try plan.configuration(fraction: fraction, isControl: isControl)
        try train(configuration, in: directory, isControl: isControl)
        let step = try BestStep.find(in: directory, configuration: configuration)
        let holder =
            try directory.checkpoints.list().contains { $0.step == step }
            ? directory
            : try trainAgain(configuration, to: step, beside: directory, isControl: isControl)
        let tuned = try TrainedEncoder(run: holder, step: step, report: warnOfPassedOver)
        let line = ProgressLine()
        defer { line.finish() }
        return try assessment.head(of: tuned, name: name) {
            line.update("\($0): record \($1)/\($2)")
        }
    }

    // MARK: Training

    private func train(
        _ configuration: Configuration, in directory: RunDirectory, isControl: Bool
    ) throws {
        guard try isMissing(configuration.steps, of: configuration, in: directory) else { return }
        Log().info(
            "fine-tuning \(isControl ? "from random weights" : "the encoder") in \(directory.path)")
        if !isControl {
            try weights.begin(directory, configuration: configuration, fresh: false)
        }
        let code: ExitCode
        if let workers = plan.settings.workers {
            let path = directory.path + ".json"
            try directory.files.write(configuration.resolved.text(pretty: true) + "\n", to: path)
            var settings = LaunchSettings(
                directory, workers: workers, threads: assessment.settings.embedding.threads)
            settings.coordinator.configuration = path
            code = try LaunchRun(
                settings, configuration: configuration, directory: directory, data: data
            ).run()
        } else {
            code = try train(configuration, in: directory, stopAfter: nil)
        }
        guard code == .success else { throw Ended(code: code) }
    }

    private func train(
        _ configuration: Configuration, in directory: RunDirectory, stopAfter: Int?
    ) throws -> ExitCode {
        try SingleProcessTraining(
            of: directory, configuration: configuration, data: data,
            threads: assessment.settings.embedding.threads
        ).run(stopAfter: stopAfter)
    }

    /// Whether a step of a run has still to be trained.
    ///
    /// - Throws: Where the folder holds a run of other settings, or of another encoder.
    private func isMissing(
        _ step: Int, of configuration: Configuration, in directory: RunDirectory
    ) throws -> Bool {
        guard directory.holdsRun else { return true }
        _ = try directory.open(
            configuration: configuration, dataPath: data, dataDigest: assessment.dataset.digest)
        return try !directory.checkpoints.list().contains { $0.step == step }
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
