import ClinicalParameters
import Configurations
import Electrocardiography
import Pretraining

extension PreparedDataset: WindowSource {
    /// What is known of a window beside its signal.
    public func facts(of window: Int) -> WindowFacts {
        let record = self.window(window).record
        return WindowFacts(
            record: record.name, patient: patient(ofWindow: window),
            superclasses: record.superclasses, fold: record.fold)
    }

    /// The superclasses of a window's record by a rule of its own.
    public func superclasses(of window: Int, rule: LabelRule) -> Superclasses {
        rule.superclasses(of: self.window(window).record, in: self)
    }
}

extension TrainingReplica {
    /// A replica at step 0 over a prepared data set: records of the validation fold are measured, those of the test
    /// fold are not touched, all others are trained on.
    ///
    /// - Parameters:
    ///   - configuration: What to train, and how.
    ///   - dataset: The data set.
    ///   - threads: Compute threads.
    /// - Throws: `TrainingError` when the data set does not fit the configuration.
    public convenience init(
        configuration: Configuration, dataset: PreparedDataset, threads: Int
    ) throws {
        let (input, folds) = (configuration.input, configuration.data)
        guard dataset.sampleRateHz == input.sampleRateHz else {
            throw TrainingError.unfitDataset(
                path: dataset.path,
                reason: "has \(dataset.sampleRateHz) samples a second, input.sampleRateHz is "
                    + "\(input.sampleRateHz); prepare it again with --rate \(input.sampleRateHz)")
        }
        guard dataset.samplesPerWindow >= input.cropSamples else {
            throw TrainingError.unfitDataset(
                path: dataset.path,
                reason: "has windows of \(dataset.samplesPerWindow) samples, input.cropSamples is "
                    + "\(input.cropSamples)")
        }
        if configuration.makeMethod().needsClinicalFeatures,
            let problem = ClinicalFeatures.problem(of: dataset)
        {
            throw TrainingError.unfitDataset(
                path: dataset.path,
                reason: "\(problem): \(configuration.method.name) learns from them, too")
        }
        let windowFolds = (0..<dataset.windowCount).map { dataset.window($0).record.fold }
        let training = windowFolds.indices.filter {
            windowFolds[$0] != folds.validationFold && windowFolds[$0] != folds.testFold
        }
        guard !training.isEmpty else { throw TrainingError.noTrainingWindows(path: dataset.path) }
        try self.init(
            configuration: configuration, source: dataset, trainingWindows: training,
            validationWindows: windowFolds.indices.filter {
                windowFolds[$0] == folds.validationFold
            }, threads: threads)
    }
}
