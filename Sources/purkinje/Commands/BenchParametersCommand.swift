import CommandLineInterface
import Workflows

private let records = Option(
    "records", .count, default: 32, help: "Different synthetic records of 10 s at 500 Hz.")
private let rounds = Option(
    "rounds", .count, default: 9, help: "How often each is measured; the median round counts.")

/// `purkinje bench parameters`.
let benchParametersCommand = Command(
    "bench parameters",
    summary: "measures how fast clinical parameters are extracted",
    discussion: """
        Extracts all parameters of synthetic records (10 s, 12 leads, 500 Hz) that are in memory, on one thread, and \
        prints the records a second of the median round, and those a second of processor time, which other programs on \
        the machine disturb less.
        """,
    parameters: [records, rounds, Flag.json],
    example: "purkinje bench parameters --records 64"
) { given in
    let benchmark = try ParameterBenchmark(records: given[records], rounds: given[rounds])
    Output.write(benchmark, asJSON: given[.json])
    return .success
}
