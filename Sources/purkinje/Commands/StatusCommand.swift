import CommandLineInterface
import Runs
import Workflows

private let run = Argument("DIR", .directory, help: "The run directory.")
private let watch = Flag("watch", help: "Show it again every two seconds, until the run has ended.")
private let eventCount = Option(
    "events", .integer(0...), default: 5, help: "How many of the last events to show.")

/// Shows where a run is.
let statusCommand = Command(
    "status",
    summary: "shows who is in a run, its step and rate, the last checkpoint and the last events",
    discussion: """
        Reads the run directory, and asks nobody: it works from any machine that sees the directory, and after the run.
        """,
    parameters: [run, watch, eventCount, Flag.json],
    example: "purkinje status runs/first --watch"
) { given in
    let directory = RunDirectory(path: given[run])
    let stop = try StopRequest.install(onFirst: { _ in })
    while true {
        // Every two seconds, the last some thousand steps are enough.
        let status = try RunStatus(
            directory, eventCount: given[eventCount],
            lookingBack: given[watch] ? 1 << 21 : nil)
        // On a terminal the new picture takes the place of the old one.
        if given[watch], !given[.json] { Output.clearTerminal() }
        Output.write(status, asJSON: given[.json])
        guard given[watch], !status.hasEnded else { return .success }
        if stop.wait(timeout: .seconds(2)) { return .interrupted }
    }
}
