import Configurations
import Electrocardiography
import Pretraining

extension TrainingReplica {
    /// A replica at step 0 over a prepared data set: records of the validation fold are measured, those of the test
    /// fold are not touched, all others are trained on.
    ///
    /// - Parameters:
    ///   - configuration: What to train, and how.
    ///   - dataset: The data set.
    ///   - threads: Compute threads.
    /// - Throws: `UnfitDataset` when the data set does not fit the configuration, `TrainingError`.
    public convenience init(
        configuration: Configuration, dataset: PreparedDataset, threads: Int
    ) throws {
        try dataset.requireFit(
            to: configuration,
            needsClinicalFeatures: configuration.makeMethod().needsClinicalFeatures)
        try dataset.requireJoinedWindows(for: configuration)
        let folds = configuration.data
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

    /// How many training windows crops run on from; `nil` where they all end in the window that they begin in.
    public var cropNote: String? {
        guard configuration.input.crops == .record else { return nil }
        let count = windowsForTraining.count { source.isFollowed(window: $0) }
        return
            "crops run on from \(count) of \(windowsForTraining.count) training windows into the next "
            + "one of their record (input.crops)"
    }
}
