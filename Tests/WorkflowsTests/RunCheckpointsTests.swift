import Checkpoints
import CommandLineInterface
import Configurations
import Foundation
import Runs
import Runtime
import TestSupport
import Testing

@testable import Workflows

/// The checkpoints of a run as commands list, check, export and import them.
@Suite struct RunCheckpointsTests {
    private let folder: TemporaryFolder
    private let run: RunDirectory
    private let digest: Digest

    init() throws {
        folder = try TemporaryFolder()
        run = folder.run()
        digest = try run.begin(smallConfiguration())
    }

    /// Turns one byte of the state round.
    private func damage() throws {
        let names = try run.checkpointsPath.names()
        let name = try #require(names.first { $0.lastComponent.text.hasPrefix("step-") })
        let checkpoint = run.checkpointsPath.appending(name)
        let share = try #require(
            try checkpoint.names().first { $0.hasSuffix(".safetensors") })
        var bytes = try checkpoint.appending(share).contents()
        bytes[bytes.count - 1] ^= 1
        try AtomicFile.write(bytes, to: checkpoint.appending(share))
    }

    @Test func aCheckpointIsListedAndVerified() throws {
        let checkpoints = try RunCheckpoints(of: run.path)
        let listed = try checkpoints.list()
        #expect(listed.count == 1 && listed[0].row.count == ListedCheckpoint.head.count)
        #expect(listed[0].row.last == "sha256:\(digest)")
        #expect(listed[0].json["damage"] == .null)
        #expect(try checkpoints.digest(step: nil).text == "sha256:\(digest) step=0")
        #expect(try checkpoints.digest(step: 0).json["step"]?.integerValue == 0)
        var texts: [String] = []
        #expect(try checkpoints.verify(step: nil) { texts.append($0.text) })
        #expect(texts.count == 1 && texts[0].hasSuffix("every byte is sound"))
        #expect(throws: CheckpointError.self) { try checkpoints.verify(step: 5) { _ in } }
        let error = #expect(throws: CheckpointError.self) { try checkpoints.digest(step: 5) }
        #expect(
            error?.description.hasSuffix(
                "no whole checkpoint of step 5; choose among those of the steps 0") == true)
        #expect(throws: RunError.self) { try RunCheckpoints(of: folder.file("nowhere")) }
    }

    @Test func damageIsFoundAndNamed() throws {
        try damage()
        let checkpoints = try RunCheckpoints(of: run.path)
        // Manifests do not know.
        #expect(try checkpoints.list()[0].json["damage"] == .null)
        var found: [ListedCheckpoint] = []
        #expect(try !checkpoints.verify(step: nil) { found.append($0) })
        let text = try #require(found.first?.text)
        #expect(text.contains(".safetensors"), "\(text)")
        #expect(found[0].json["damage"]?.stringValue != nil)
        #expect(throws: CheckpointError.self) { try checkpoints.digest(step: nil) }
    }

    @Test(arguments: [false, true])
    func exportedWeightsBeginARun(wholeModel: Bool) throws {
        let file = folder.file("w.safetensors")
        let written = try RunCheckpoints(of: run.path).export(
            step: nil, wholeModel: wholeModel, to: file)
        let tensors = try SafetensorsFile(path: file)
        #expect(written.json["tensors"]?.integerValue == tensors.names.count)
        #expect(tensors.metadata["state_sha256"] == "\(digest)")
        #expect(tensors.metadata["software"] == Software.release)
        #expect(tensors.names.contains { $0.hasPrefix("encoder.") } == wholeModel)
        let configuration = try folder.write(
            try smallConfiguration(seed: 2).resolved.text(), to: "c.json")
        let imported = try WeightsImport(
            of: file, configuration: configuration, overrides: ["steps=3"],
            into: folder.file("imported"), program: "purkinje")
        #expect(imported.json["whole_model"]?.booleanValue == wholeModel)
        #expect(imported.text.contains("purkinje resume "))
        let own = try folder.run("imported").read().configuration
        #expect(own.steps == 3)
        #expect(own.initialWeights?.description == imported.json["weights_sha256"]?.stringValue)
        #expect(throws: RunError.self) {
            try WeightsImport(
                of: file, configuration: configuration, overrides: [],
                into: folder.file("imported"), program: "purkinje")
        }
    }
}
