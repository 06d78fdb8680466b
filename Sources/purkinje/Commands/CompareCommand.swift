import CommandLineInterface
import Configurations
import Evaluation
import Runtime

private let runs = Argument(repeated: "RUN", .directory, help: "The run directories.")

/// Sets runs side by side.
let compareCommand = Command(
    "compare",
    summary:
        "sets the encoders of several runs side by side, with intervals and paired differences",
    discussion: """
        Measures the newest whole checkpoint of each run as 'purkinje evaluate' does, on the same records, with the same \
        controls: what linear probe and k-NN make of its vectors, how far classes lie apart, and how much each run differs \
        from the first. The runs' test and validation folds must be the same. --report writes a page, with the study's figures \
        beside the tables.
        """,
    parameters: [
        EncoderOptions.data, EncoderOptions.testData, EncoderOptions.readout,
        EncoderOptions.centreCrop, EncoderOptions.minimumLikelihood, EncoderOptions.dropUnknown,
        ReportOptions.report, ReportOptions.clusterDimension, ReportOptions.perplexity,
        ReportOptions.mapRecords, ReportOptions.coordinates, EncoderOptions.seed,
        EncoderOptions.threads, Flag.json, runs,
    ],
    example: "purkinje compare runs/first runs/second --data ecg.purkinje"
) { given in
    try ReportOptions.checkReport(given)
    try ReportOptions.refuseIdle(given)
    let encoders = try given[runs].map {
        (name: $0.text, encoder: try EncoderOptions.encoder(of: $0))
    }
    guard let first = encoders.first else { throw CommandError(.usage, "RUN is missing") }
    let folds = first.encoder.configuration.data
    for (name, encoder) in encoders where encoder.configuration.data != folds {
        throw CommandError(
            .usage, "\(first.name) and \(name) keep other folds for validation and test")
    }
    let assessment = try EncoderOptions.assessment(
        given, of: first.encoder, protocols: [.linear, .knn, .clusters],
        clusterDimension: given[ReportOptions.clusterDimension], map: ReportOptions.map(given))
    let line = ProgressLine()
    var contenders: [Contender] = []
    var drawn: [Configuration] = []
    for (name, encoder) in encoders {
        contenders.append(
            try assessment.assess(encoder, name: name) { line.update("\($0): record \($1)/\($2)") })
        let isNew = !drawn.contains { $0.drawsSameEncoder(as: encoder.configuration) }
        if isNew { drawn.append(encoder.configuration) }
    }
    var controls: [Contender] = []
    for (number, configuration) in drawn.enumerated() {
        let name =
            drawn.count == 1
            ? "random" : "random \(configuration.method.name) \(number + 1)"
        controls.append(
            try assessment.drawn(by: configuration, name: name) {
                line.update("\($0): record \($1)/\($2)")
            })
    }
    controls += try assessment.plainControls { line.update("\($0): record \($1)/\($2)") }
    line.finish()
    let others = Array(contenders.dropFirst()) + controls
    let result = json(
        assessment, encoders: encoders, contenders: contenders, controls: controls,
        hasMaps: given[ReportOptions.coordinates])
    let all = contenders + controls
    if given[.json] {
        Output.write(result)
    } else {
        let tables =
            [ResultTable.classification(all)] + ResultTable.clusters(all)
            + [ResultTable.differences(of: contenders[0], to: others)]
        Output.write(tables.map(Output.table).joined(separator: "\n\n"))
    }
    try writePage(result, contenders: all, records: assessment.records.test, given: given)
    return .success
}

private func json(
    _ assessment: Assessment, encoders: [(name: String, encoder: TrainedEncoder)],
    contenders: [Contender], controls: [Contender], hasMaps: Bool
) -> JSONValue {
    var members = assessment.json
    func results(_ contender: Contender) -> [String: JSONValue] {
        var results = contender.results.members
        results["first_run_less_this"] =
            PairedComparison(contenders[0].results, less: contender.results).json
        return results
    }
    members["runs"] = .array(
        zip(encoders, contenders).map { named, contender in
            var run = results(contender).merging(named.encoder.json) { first, _ in first }
            run["run"] = .string(named.name)
            if hasMaps { run["map"] = contender.map?.json(of: assessment.records.test) }
            return .object(run)
        })
    members["controls"] = .object(
        Dictionary(uniqueKeysWithValues: controls.map { ($0.name, .object(results($0))) }))
    return .object(members)
}

extension Configuration {
    /// Whether both draw the same weights before the first step.
    fileprivate func drawsSameEncoder(as other: Configuration) -> Bool {
        method == other.method && seed == other.seed && input == other.input
            && details.isEqual(to: other.details)
    }
}
