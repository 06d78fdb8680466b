import Configurations
import Pretraining
import Runtime
import Testing
import Training

@testable import Evaluation

/// Whether a set fits is one question, whoever asks it.
@Suite struct DatasetFitTests {
    @Test(arguments: [
        ("sampleRateHz", 200, "has 250.0 samples a second, input.sampleRateHz"),
        ("cropSamples", 2625, "has windows of 2500 samples, input.cropSamples"),
    ])
    func trainingAndEvaluationSayTheSame(key: String, value: Int64, text: String) throws {
        let dataset = try SyntheticRecords.records().dataset
        var input: [String: JSONValue] = [
            "sampleRateHz": 250, "cropSamples": 450, "patchSamples": 75,
        ]
        input[key] = .integer(value)
        let configuration = try SyntheticRecords.configuration(changes: ["input": .object(input)])
        let training = #expect(throws: UnfitDataset.self) {
            try TrainingReplica(configuration: configuration, dataset: dataset, threads: 1)
        }
        let evaluation = #expect(throws: UnfitDataset.self) {
            try TrainedEncoder(
                withRandomWeightsOf: configuration, dataset: dataset, trainingRecords: [])
        }
        #expect(training == evaluation)
        #expect(training?.description.hasPrefix("\(dataset.path) \(text)") == true)
    }
}
