import CommandLineInterface
import Runs
import Runtime
import Workflows

private let run = Argument("DIR", .directory, help: "The run directory; nothing is written there.")
private let data = Option(
    "data", .file, otherwise: "where it was",
    help: "The prepared data set, where the same one has moved.")
private let from = Option(
    "from", .integer(0...), otherwise: "the beginning",
    help: "Begin at this step, which must be 0 or that of a checkpoint.")
private let to = Option(
    "to", .integer(1...), otherwise: "the newest checkpoint's", help: "End at this step.")
private let segments = Option(
    "segments", .integer(1...), otherwise: "all",
    help: "Compute only so many of the segments between checkpoints, drawn from --seed.")
private let seed = Option("seed", .seed, default: 0, help: "What segments are drawn from.")
private let threads = Option(
    "threads", .threads, default: ProcessCounts.processors,
    help: "Compute threads; any number gives the same bits.")

/// Computes a run's steps again.
let verifyCommand = Command(
    "verify",
    summary: "computes steps of a run again and compares the digests of its checkpoints",
    discussion: """
        Whoever trained it, and on however many machines: from one checkpoint to the next the same steps are computed in \
        this process, and the state must have the same SHA-256. Without --from it begins with the weights that the seed \
        draws, so that the newest state is proven as a whole. The matrix kernel has to be that of the run. Ends with code 8 \
        where a checkpoint holds another state; 'checkpoint verify' is faster and only finds bytes that changed since they \
        were written.
        """,
    parameters: [run, from, to, segments, seed, data, threads, Flag.json],
    example: "purkinje verify runs/first --segments 2 --threads 2"
) { given in
    let request = try StopRequest.install()
    let progress = ProgressLine()
    let verification = try RunVerification(
        of: RunDirectory(path: given[run]), data: given[data], threads: given[threads])
    let result = try verification.run(
        RunVerification.Choice(
            from: given[from], to: given[to], segments: given[segments], seed: given[seed]),
        shouldStop: { request.isMade },
        progress: { progress.update("step \($0) of \($1) computed again") },
        report: {
            progress.finish()
            Output.write($0, asJSON: given[.json])
        })
    progress.finish()
    Output.write(result, asJSON: given[.json])
    guard result.isSame else { return .notReproduced }
    return result.isInterrupted ? .interrupted : .success
}
