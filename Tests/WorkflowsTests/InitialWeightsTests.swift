import Checkpoints
import Configurations
import Electrocardiography
import Foundation
import Runs
import Runtime
import Tensors
import Testing
import Training
import Workflows

@Suite struct InitialWeightsTests {
    private static func configuration(_ method: String, seed: Int) throws -> Configuration {
        let encoder: JSONValue = ["width": 32, "depth": 1, "heads": 1, "headWidth": 32]
        return try Configuration([
            "method": .string(method), "seed": .integer(Int64(seed)), "batchSize": 8,
            "logicalShards": 1, "encoder": encoder,
        ])
    }

    private static func run(_ name: String) -> RunDirectory {
        RunDirectory(
            path: FilePath(
                FileManager.default.temporaryDirectory.path + "/weights-\(UUID())-\(name)"))
    }

    @Test func aRunBeginsWithTheEncoderOfAnother() throws {
        let (first, second) = (Self.run("first"), Self.run("second"))
        defer {
            for run in [first, second] {
                try? FileManager.default.removeItem(atPath: run.path.text)
            }
        }
        let given = try TrainingReplica.atStepZero(Self.configuration("st-mem", seed: 1))
        let digest = try given.saveStepZero(in: first, fresh: true)
        let weights = try InitialWeights(path: first.path)
        #expect(weights.digest == digest)
        let configuration = try Self.configuration("st-mem", seed: 2)
        try weights.begin(second, configuration: configuration, fresh: true)
        func tensors(_ run: RunDirectory) throws -> [String: [UInt8]] {
            let store = run.checkpoints
            let name = try #require(try store.newestWhole { _, _ in }).name
            return Dictionary(
                uniqueKeysWithValues: try store.tensors(of: name) {
                    $0.hasPrefix(OfficialWeights.parameterPrefix)
                }.tensors.map { ($0.name, Array(UnsafeRawBufferPointer($0.tensor.bytes))) })
        }
        let (before, after) = (try tensors(first), try tensors(second))
        let encoder = before.keys.filter { $0.contains("encoder.") }
        #expect(encoder.count > 5)
        for name in encoder { #expect(before[name] == after[name], "\(name)") }
        #expect(before != after)
        // The same run again keeps what it has.
        try weights.begin(second, configuration: configuration, fresh: false)
        #expect(try Reconstructor(run: second).step == 0)
    }

    @Test func whatIsNoRunAndNoFileIsNamed() {
        #expect(throws: WorkflowError.noWeights(path: "/nowhere/at-all")) {
            try InitialWeights(path: "/nowhere/at-all")
        }
    }

    @Test func aRunThatRebuildsNothingIsRefused() throws {
        let run = Self.run("simclr")
        defer { try? FileManager.default.removeItem(atPath: run.path.text) }
        _ = try run.open(
            configuration: Self.configuration("simclr", seed: 1), dataPath: nil, dataDigest: nil,
            fresh: true)
        #expect(throws: WorkflowError.reconstructsNothing(run: run.path, method: "simclr")) {
            try Reconstructor(run: run)
        }
    }
}
