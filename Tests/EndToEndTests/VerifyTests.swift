import Checkpoints
import Foundation
import Runtime
import Tensors
import Testing

/// A run that is computed again: an honest one is proven, one with an exchanged checkpoint is not.
@Suite(.serialized, .trainingFixture) struct VerifyTests {
    private let fixture: TrainingFixture

    init() throws { fixture = try #require(TrainingFixture.current) }

    /// Twelve steps of two workers with checkpoints after 4, 8 and 12.
    private func trainedRun() throws -> String {
        let run = fixture.newRun("verified")
        let result = try Programs.run(
            ["launch"]
                + fixture.flags(
                    run: run, set: ["steps=12", "checkpoint.everySteps=4", "checkpoint.keep=10"])
                + ["--workers", "2", "--threads", "1"])
        try #require(result.code == 0, "\(result.lines.suffix(20))")
        return run
    }

    private func verify(
        _ run: String, _ flags: [String] = []
    ) throws -> (code: Int32?, lines: [JSONValue]) {
        let result = try Programs.run(["verify", run, "--threads", "1", "--json"] + flags)
        return (
            result.code,
            result.lines.compactMap { line in
                line.hasPrefix("{") ? try? JSONValue(parsing: line.utf8) : nil
            }
        )
    }

    @Test func anHonestRunIsProvenAndAChangedWeightIsFound() throws {
        let run = try trainedRun()
        let digest = try fixture.finalDigest(of: run, step: 12)
        let whole = try verify(run)
        #expect(whole.code == 0)
        let segments = whole.lines.filter { $0["kind"]?.stringValue == "segment" }
        #expect(segments.compactMap { $0["to"]?.integerValue } == [4, 8, 12])
        #expect(segments.allSatisfy { $0["same"]?.booleanValue == true })
        #expect(segments.last?["sha256"]?.stringValue.map { "sha256:\($0)" } == digest)
        #expect(whole.lines.last?["steps"]?.integerValue == 12)
        let part = try verify(run, ["--from", "4", "--segments", "1"])
        #expect(part.code == 0 && part.lines.last?["steps"]?.integerValue == 4)

        let weight = try exchangeCheckpoint(ofStep: 8, in: run)
        #expect(try Programs.run(["checkpoint", "verify", run]).code == 0)
        let changed = try verify(run)
        #expect(changed.code == ExitCode.notReproduced.rawValue)
        let same = changed.lines.filter { $0["kind"]?.stringValue == "segment" }
            .compactMap { $0["same"]?.booleanValue }
        // Up to the exchanged state, and from it on, something else comes out.
        #expect(same == [true, false, false])
        let names = changed.lines.compactMap { $0["differing_tensors"] }
        #expect(names.count == 3 && names[1] == .array([.string(weight)]), "\(names)")
    }

    /// One weight becomes another, all hashes are those of the new bytes.
    ///
    /// - Returns: The weight's name.
    private func exchangeCheckpoint(ofStep step: UInt64, in run: String) throws -> String {
        let store = CheckpointStore(path: FilePath(run + "/checkpoints"))
        let (name, manifest, tensors) = try store.newestTensors(
            step: step, where: { _ in true }, report: { _, _ in })
        let weight = try #require(
            tensors.first { $0.name.hasPrefix(OfficialWeights.parameterPrefix) })
        weight.tensor.bytes[3] ^= 1
        try FileManager.default.removeItem(atPath: store.folder(of: name).text)
        try store.save(tensors, as: name, context: manifest.context)
        return weight.name
    }

    @Test func whatCannotBeComputedIsRefusedByName() throws {
        let run = try trainedRun()
        let wrongStep = try Programs.run(["verify", run, "--to", "7"])
        #expect(wrongStep.code == 2)
        #expect(wrongStep.lines.contains { $0.contains("choose among 0, 4, 8, 12") })
        let nothing = try Programs.run(["verify", run, "--from", "12"])
        #expect(nothing.code == 2 && nothing.lines.contains { $0.contains("no steps lie between") })
        #expect(try Programs.run(["verify", fixture.folder]).code == 1)
        let store = CheckpointStore(path: FilePath(run + "/checkpoints"))
        let (name, manifest, tensors) = try store.newestTensors(
            step: 8, where: { _ in true }, report: { _, _ in })
        var context = manifest.context
        context.matrixKernel = "Unheard"
        try FileManager.default.removeItem(atPath: store.folder(of: name).text)
        try store.save(tensors, as: name, context: context)
        let mixed = try Programs.run(["verify", run])
        #expect(mixed.code == ExitCode.refused.rawValue)
        #expect(mixed.lines.contains { $0.contains("name states of one kernel") })
        #expect(try Programs.run(["verify", run, "--to", "4"]).code == 0)
        let unheard = try Programs.run(["verify", run, "--to", "8", "--from", "4"])
        #expect(unheard.code == ExitCode.refused.rawValue)
    }

    /// A run of portable bits has the same digest whatever kernels a machine would take, and `verify` takes those of the run.
    @Test func portableBitsDoNotDependOnTheProcessor() throws {
        #if arch(x86_64)
            let sets = ["steps=6", "optimizer.warmupSteps=2", "numerics.kernel=portable"]
            let reference = fixture.newRun("portable")
            let result = try Programs.run(["pretrain"] + fixture.flags(run: reference, set: sets))
            #expect(result.code == 0, "\(result.lines.suffix(5))")
            let digest = try fixture.finalDigest(of: reference, step: 6)
            for (kernel, command) in [
                ("Prescott", ["pretrain", "--threads", "2"]), ("Sandybridge", ["pretrain"]),
                ("Prescott", ["launch", "--workers", "2"]),
            ] {
                let run = fixture.newRun("portable")
                let shell = try Programs.runShell(
                    #"export OPENBLAS_CORETYPE=\#(kernel); exec "$0/purkinje" "$@""#
                        .replacingOccurrences(of: "$0", with: Programs.folder),
                    command + fixture.flags(run: run, set: sets))
                #expect(shell.wait() == 0, "\(shell.lines.suffix(5))")
                #expect(
                    try fixture.finalDigest(of: run, step: 6) == digest, "\(kernel), \(command)")
            }
            let verified = try Programs.runShell(
                #"exec env OPENBLAS_CORETYPE=Prescott "$1/purkinje" verify "$2" --json"#,
                [Programs.folder, reference])
            #expect(verified.wait() == 0, "\(verified.lines.suffix(5))")
            #expect(verified.lines.contains { $0.contains(#""kernel":"Haswell""#) })
            // A configuration from a pipe cannot be read again by a program that starts itself again.
            let piped = try Programs.runShell(
                #"exec env OPENBLAS_CORETYPE=Prescott "$1/purkinje" pretrain --config <(cat "$2") --data "$3" --run "$4" --set numerics.kernel=portable"#,
                [
                    Programs.folder, fixture.configuration, fixture.data,
                    fixture.newRun("piped"),
                ])
            #expect(piped.wait() == 1)
            #expect(piped.lines.contains { $0.contains("set OPENBLAS_CORETYPE=Haswell") })
        #endif
    }
}
