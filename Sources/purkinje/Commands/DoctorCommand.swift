import CommandLineInterface
import Workflows

private let directory = Option(
    "directory", .directory, default: ".",
    help: "Where the run directory is to be; it is written to for a moment.")
private let configuration = Option(
    "config", .file, otherwise: "ST-MEM base", help: "The configuration whose memory is estimated.")
private let threads = Option(
    "threads", .threads, otherwise: "all processors", help: "Compute threads of each worker.")
private let workers = Option(
    "workers", .workers, default: 1, help: "Workers on this machine.")
private let port = Option(
    "port", .integer(1...65535), otherwise: "any", help: "A port that a coordinator is to have.")

/// Looks for what would spoil a run here.
let doctorCommand = Command(
    "doctor",
    summary: "looks for what would spoil a run on this machine, and says the remedy",
    discussion: """
        Checks the processor's instructions and load, the speed of matrix products, memory, the shared directory \
        (latency, rename, fsync, room), whether processes can listen, and the clock. Takes about two seconds. Ends with \
        code 1 when something would make a run fail.
        """,
    parameters: [directory, configuration, threads, workers, port, Flag.json],
    example:
        "purkinje doctor --directory /net/ecg/runs --config cluster/configurations/st-mem-base.json"
) { given in
    let check = try MachineCheck(
        .init(
            directory: given[directory], configuration: given[configuration],
            threads: given[threads], workers: given[workers], port: given[port]))
    Output.write(check, asJSON: given[.json])
    return check.verdict == .problem ? .failure : .success
}
