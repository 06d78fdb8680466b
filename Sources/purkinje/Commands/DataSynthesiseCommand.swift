import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime
import Workflows

private let output = Option(
    required: "out", .directory, help: "The folder to write; it must be new or empty.")
private let records = Option(
    required: "records", .integer(1...1_000_000), help: "Records to write.")
private let seed = Option(
    "seed", .seed, default: 0, help: "What everything is drawn from.")
private let threads = Option(
    "threads", .threads, otherwise: "all processors", help: "Threads that draw and write.")

/// Writes synthetic records.
let dataSynthesiseCommand = Command(
    "data synthesise",
    summary: "writes realistic 12-lead ECG records with labels, for trying everything out",
    discussion: """
        Draws hearts as moving dipoles: P, QRS and T loops, rhythms (sinus, slow, fast, fibrillation, early beats), \
        conduction blocks, infarctions, hypertrophy and changes of ST and T, with drift, mains and muscle noise. Writes \
        WFDB records of 10 s at 500 Hz and the label tables of PTB-XL, with folds, for `data prepare`. The same seed gives \
        the same bytes.
        """,
    parameters: [output, records, seed, threads, Flag.json],
    example: "purkinje data synthesise --out synthetic --records 600 --seed 1"
) { invocation in
    let stop = try StopRequest.install { name in
        Log().info("\(name): removing what was written; \(SignalRule.hint)")
    }
    let count = invocation[records]
    try checkOutputFolder(
        invocation[output], option: output.name, spare: SyntheticDataset.partialSuffixBytes)
    let line = ProgressLine()
    let set = SyntheticDataset(recordCount: count, seed: invocation[seed])
    let isWhole = try set.write(
        to: invocation[output],
        threads: invocation[threads] ?? ProcessCounts.processors,
        shouldStop: { stop.isMade }, progress: { line.update("record \($0)/\(count)") })
    line.finish()
    guard isWhole else { return .interrupted }
    if invocation[Flag.json] {
        Output.write([
            "output": .string(invocation[output].text), "records": .integer(Int64(count)),
            "seed": .string("\(invocation[seed])"),
        ])
    } else {
        let folder = invocation[output]
        let prepared = folder.sibling(folder.lastComponent + ".prepared")
        Output.write(
            "\(counted(count, "record")) in \(folder); next: purkinje data prepare --source \(folder.shellWord) "
                + "--out \(prepared.shellWord)")
    }
    return .success
}
