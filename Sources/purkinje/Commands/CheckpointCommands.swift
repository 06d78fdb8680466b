import Checkpoints
import CommandLineInterface
import Configurations
import Foundation
import Runs
import Runtime
import Tensors

private let run = Argument("DIR", .directory, help: "The run directory.")
private let step = Option(
    "step", .integer(0...), otherwise: "the newest whole one",
    help: "The checkpoint after this many steps.")
private let output = Option(required: "out", .file, help: "The safetensors file to write.")
private let wholeModel = Flag(
    "whole-model", help: "Write the decoder too, all names as in the published whole model.")

let checkpointListCommand = Command(
    "checkpoint list",
    summary: "lists the checkpoints of a run, newest first",
    discussion: """
        Reads the manifests alone; 'checkpoint verify' reads every byte.
        """,
    parameters: [run, Flag.json],
    example: "purkinje checkpoint list runs/first"
) { invocation in
    let store = try store(of: invocation[run])
    var rows = [["step", "generation", "term", "files", "bytes", "state"]]
    for name in try store.list() {
        let manifest = Result { () throws(CheckpointError) in try store.manifest(of: name) }
        if invocation[Flag.json] {
            Output.write(json(name, manifest))
            continue
        }
        var row = ["\(name.step)", "\(name.generation)", "\(name.term)"]
        switch manifest {
        case .success(let manifest):
            row += ["\(manifest.files.count)", "\(manifest.byteCount)"]
            row.append("sha256:\(manifest.stateDigest)")
        case .failure(let error): row += ["", "", error.description]
        }
        rows.append(row)
    }
    if !invocation[Flag.json] { Output.write(Output.table(rows)) }
    return .success
}

let checkpointVerifyCommand = Command(
    "checkpoint verify",
    summary: "checks every byte of a run's checkpoints, and names the file that is damaged",
    discussion: """
        Ends with code 1 when a checkpoint is damaged. A resume passes over damaged checkpoints by itself.
        """,
    parameters: [
        run,
        Option(
            "step", .integer(0...), otherwise: "all",
            help: "Only checkpoints after this many steps."),
        Flag.json,
    ],
    example: "purkinje checkpoint verify runs/first"
) { invocation in
    let store = try store(of: invocation[run])
    let names = try store.list().filter { name in
        invocation[step].map { name.step == UInt64($0) } ?? true
    }
    guard !names.isEmpty else {
        throw CheckpointError.absent(
            path: store.path + (invocation[step].map { ", step \($0)" } ?? ""))
    }
    var damaged = 0
    for name in names {
        let outcome = Result { () throws(CheckpointError) in try store.verify(name) }
        if case .failure = outcome { damaged += 1 }
        if invocation[Flag.json] {
            Output.write(json(name, outcome))
        } else if case .failure(let error) = outcome {
            Output.write("\(name): \(error)")
        } else {
            Output.write("\(name): every byte is sound")
        }
    }
    return damaged == 0 ? .success : .failure
}

let checkpointDigestCommand = Command(
    "checkpoint digest",
    summary: "prints the digest of the training state, computed from the bytes",
    discussion: """
        Two runs of the same configuration and data have the same digest after the same number of steps, whoever \
        computed them. Checkpoints that are damaged are named on standard error and passed over.
        """,
    parameters: [run, step, Flag.json],
    example: "purkinje checkpoint digest runs/first --step 60"
) { invocation in
    let store = try store(of: invocation[run])
    let found = try newest(in: store, step: invocation[step])
    if invocation[Flag.json] {
        Output.write([
            "sha256": .string(found.manifest.stateDigest.description),
            "step": .integer(Int64(found.name.step)),
        ])
    } else {
        Output.write("sha256:\(found.manifest.stateDigest) step=\(found.name.step)")
    }
    return .success
}

let checkpointExportCommand = Command(
    "checkpoint export",
    summary: "writes the encoder's weights under the method's official names",
    discussion: """
        One safetensors file, as Python's safetensors reads it. Its metadata has the method, the step, the configuration \
        and the digest of the state.
        """,
    parameters: [run, output, step, wholeModel, Flag.json],
    example: "purkinje checkpoint export runs/first --out encoder.safetensors"
) { invocation in
    try checkOutput(invocation[output], option: output.name)
    let store = try store(of: invocation[run])
    let (name, manifest, state) = try store.newestTensors(
        step: invocation[step].map { UInt64($0) },
        where: { $0.hasPrefix(OfficialWeights.parameterPrefix) }, report: warn)
    let weights =
        invocation[wholeModel]
        ? OfficialWeights.wholeModel(of: state) : OfficialWeights.encoder(of: state)
    let path = invocation[output]
    try SafetensorsFile.write(
        weights,
        metadata: [
            "method": manifest.context.configuration["method"]?.stringValue ?? "",
            "step": "\(name.step)", "state_sha256": manifest.stateDigest.description,
            "configuration": manifest.context.configuration.text(),
            "software": manifest.context.software,
        ], to: path)
    let parameterCount = weights.reduce(0) { $0 + $1.tensor.count }
    if invocation[Flag.json] {
        Output.write([
            "file": .string(path.text), "step": .integer(Int64(name.step)),
            "tensors": .integer(Int64(weights.count)), "numbers": .integer(Int64(parameterCount)),
        ])
    } else {
        Output.write(
            "\(path): \(weights.count) tensors, \(parameterCount) numbers of step \(name.step)")
    }
    return .success
}

/// The checkpoints of a run, of which there has to be one.
private func store(of path: FilePath) throws -> CheckpointStore {
    let directory = RunDirectory(path: path)
    guard directory.checkpointsPath.exists else {
        throw RunError.absent(path: path)
    }
    return CheckpointStore(path: directory.checkpointsPath)
}

/// The newest whole checkpoint, with a warning for each that is passed over.
private func newest(
    in store: CheckpointStore, step: Int?
) throws -> (name: CheckpointName, manifest: Manifest) {
    let found = try store.newestWhole(step: step.map { UInt64($0) }, report: warn)
    guard let found else {
        throw CheckpointError.absent(path: store.path + (step.map { ", step \($0)" } ?? ""))
    }
    return found
}

private func warn(_ name: CheckpointName, _ error: CheckpointError) {
    Log().warning("\(name) is passed over: \(error)")
}

private func json(
    _ name: CheckpointName, _ outcome: Result<Manifest, CheckpointError>
) -> JSONValue {
    var members: [String: JSONValue] = [
        "name": .string(name.description), "step": .integer(Int64(name.step)),
        "generation": .integer(Int64(name.generation)), "term": .integer(Int64(name.term)),
    ]
    switch outcome {
    case .success(let manifest):
        members["sha256"] = .string(manifest.stateDigest.description)
        members["bytes"] = .integer(Int64(manifest.byteCount))
        members["files"] = .integer(Int64(manifest.files.count))
        members["damage"] = .null
    case .failure(let error): members["damage"] = .string(error.description)
    }
    return .object(members)
}
