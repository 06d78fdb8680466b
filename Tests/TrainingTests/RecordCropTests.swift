import Checkpoints
import Configurations
import Electrocardiography
import Foundation
import Pretraining
import Runs
import Runtime
import TestSupport
import Testing
import Training

/// Noise in records of three windows.
private struct FollowedWindows: WindowSource {
    let noise = SyntheticWindows(samplesPerWindow: 600, seed: 3)
    var samplesPerWindow: Int { noise.samplesPerWindow }
    var clinicalFeatureCount: Int { noise.clinicalFeatureCount }

    func isFollowed(window: Int) -> Bool { window % 3 < 2 }

    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) {
        noise.readMillivolts(window: window, into: &signal)
    }

    func facts(of window: Int) -> WindowFacts { noise.facts(of: window) }

    func clinicalFeatures(of window: Int, into features: inout MutableSpan<Float>) {
        noise.clinicalFeatures(of: window, into: &features)
    }
}

/// Training on crops that run on into the next window of their record (`input.crops` of `record`).
struct RecordCropTests {
    private static let encoder: JSONValue = [
        "width": 16, "depth": 1, "heads": 2, "headWidth": 8, "mlpWidth": 32,
    ]
    private static let methods: [String: [String: JSONValue]] = [
        "st-mem": [
            "input": ["cropSamples": 450], "encoder": encoder,
            "decoder": ["width": 16, "depth": 1, "heads": 1, "headWidth": 8, "mlpWidth": 32],
        ],
        "simclr": ["input": ["cropSamples": 450], "backbone": "st-mem", "encoder": encoder],
        "cmsc": ["input": ["cropSamples": 600], "backbone": "st-mem", "encoder": encoder],
        "ecg-jepa": [
            "input": ["cropSamples": 500], "encoder": ["width": 16, "depth": 1, "heads": 2],
            "predictor": ["width": 16, "depth": 1, "heads": 2],
        ],
        "ecg-cpc": [
            "input": ["cropSamples": 600], "horizon": 3, "clinical": ["weight": 1],
            "encoder": ["width": 8, "depth": 1],
        ],
    ]

    private func replica(
        _ method: String, crops: String = "record", threads: Int = 1
    ) throws -> TrainingReplica {
        var members = Self.methods[method] ?? [:]
        members["method"] = .string(method)
        members["steps"] = 40
        members["batchSize"] = 32
        members["logicalShards"] = 4
        let configuration = try Configuration(
            .object(members), overrides: ["input.crops=\(crops)", "validation.everySteps=2"])
        return try TrainingReplica(
            configuration: configuration, source: FollowedWindows(),
            trainingWindows: Array(0..<30), validationWindows: Array(30..<36), threads: threads)
    }

    private func digest(_ replica: TrainingReplica) -> Digest {
        StateDigest.digest(of: replica.state)
    }

    @Test(arguments: methods.keys.sorted())
    func whoComputesWhatDoesNotShow(method: String) throws {
        let alone = try replica(method, threads: 2)
        for _ in 0..<3 { try alone.runStep() }
        let plain = try replica(method, crops: "window")
        for _ in 0..<3 { try plain.runStep() }
        #expect(digest(alone) != digest(plain))
        #expect(plain.cropNote == nil)
        #expect(
            alone.cropNote
                == "crops run on from 20 of 30 training windows into the next one of their record "
                + "(input.crops)")
        let members = try (0..<3).map { _ in try replica(method) }
        for number in 0..<3 {
            try step(members, [[0], [3, 1], [2]], isInterrupted: number == 1)
        }
        #expect(members.allSatisfy { digest($0) == digest(alone) })
    }
}

/// The same with a prepared set.
@Suite(.serialized) final class RecordCropRunTests {
    private let folder: TemporaryFolder
    private let data: FilePath
    private var former: FilePath { folder.file("former") }

    init() throws {
        folder = try TemporaryFolder()
        for (name, seconds) in [("a", 35.0), ("b", 20), ("c", 12), ("d", 48)] {
            try folder.writeRecord("ecg/\(name)", seconds: seconds, rateHz: 200) { lead, second in
                sin(2 * .pi * (1 + 0.1 * Double(lead)) * second + seconds) + 0.1 * sin(61 * second)
            }
        }
        data = folder.file("set")
        _ = try DatasetPreparation(
            DatasetPreparation.Options(sources: [folder.file("ecg")], output: data)
        ).run()
    }

    private func configuration(_ crops: String = "record") throws -> Configuration {
        try Configuration([
            "method": "st-mem", "seed": 1, "batchSize": 8, "logicalShards": 2, "steps": 6,
            "encoder": ["width": 32, "depth": 1, "heads": 1, "headWidth": 32],
            "input": ["crops": .string(crops)],
        ])
    }

    private func train(_ name: String, stopAfter: UInt64? = nil) throws -> [String] {
        var notes: [String] = []
        let run = try SingleProcessRun(
            directory: RunDirectory(path: folder.file(name)), configuration: configuration(),
            dataPath: data, fresh: false, threads: 1,
            observer: SingleProcessRun.Observer(
                note: { notes.append($0) }, warning: { Issue.record("\($0)") }, step: { _ in }))
        _ = try run.run(stopAfter: stopAfter, shouldStop: { false })
        return notes
    }

    private func digest(_ name: String) throws -> Digest? {
        try RunDirectory(path: folder.file(name)).checkpoints.newestWhole { _, _ in }?
            .manifest.stateDigest
    }

    @Test func aRunThatWasStoppedHasTheSameState() throws {
        let notes = try train("whole")
        #expect(
            notes.first
                == "crops run on from 6 of 10 training windows into the next one of their record "
                + "(input.crops)")
        _ = try train("parts", stopAfter: 2)
        _ = try train("parts", stopAfter: 3)
        _ = try train("parts")
        #expect(try digest("parts") == digest("whole"))
        #expect(try digest("whole") != nil)
    }

    /// A set of before, whose windows were resampled apart, says nothing behind its header.
    @Test func windowsThatDoNotJoinAreRefused() throws {
        var bytes = try data.contents()
        bytes.replaceSubrange(128..<4096, with: repeatElement(0, count: 4096 - 128))
        try AtomicFile.write(bytes, to: former)
        let set = try PreparedDataset(path: former)
        let error = #expect(throws: UnfitDataset.self) {
            try TrainingReplica(configuration: configuration(), dataset: set, threads: 1)
        }
        #expect(error?.description.contains("prepare it again") == true)
        #expect(throws: Never.self) {
            try TrainingReplica(configuration: configuration("window"), dataset: set, threads: 1)
        }
    }
}
