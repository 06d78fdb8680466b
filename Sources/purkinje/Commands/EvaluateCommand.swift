import CommandLineInterface
import Evaluation
import Runtime

private let protocols = Option(
    "protocols", .list(of: .oneOf(EvaluationProtocol.self)),
    default: [.linear, .knn, .clusters],
    help:
        "linear: logistic regression; knn: nearest neighbours; clusters: how far classes lie apart; "
        + "parameters: how well clinical parameters are read out.")
private let withoutControls = Flag(
    "no-controls", help: "Leave out what is always set beside an encoder.")

/// Says how good an encoder is.
let evaluateCommand = Command(
    "evaluate",
    summary: "measures how good an encoder is on labelled records, with controls beside it",
    discussion: """
        Folds 1-8 of the data set train, fold 9 chooses penalties and thresholds, fold 10 is tested; --test-data is tested \
        whole. Beside the encoder stand controls on the same records: the same encoder with the weights that its seed draws, \
        raw statistics of each lead, clinical parameters where the set has them, age and sex. Intervals are of 1000 \
        resamples of the test records; differences to controls are paired. Same inputs, same bytes. --report writes all of it \
        as a page that says in words whether the encoder is better, with ROC curves, confusions and maps of the records.
        """,
    parameters: [
        EncoderOptions.run, EncoderOptions.step, EncoderOptions.data, EncoderOptions.testData,
        protocols, EncoderOptions.readout, EncoderOptions.centreCrop,
        EncoderOptions.minimumLikelihood, EncoderOptions.dropUnknown, withoutControls,
        ReportOptions.report, ReportOptions.clusterDimension, ReportOptions.perplexity,
        ReportOptions.mapRecords, ReportOptions.coordinates, EncoderOptions.seed,
        EncoderOptions.threads, Flag.json,
    ],
    example: "purkinje evaluate --run runs/first --data ecg.purkinje --report first.html"
) { given in
    let encoder = try EncoderOptions.encoder(given)
    let assessment = try EncoderOptions.assessment(
        given, of: encoder, protocols: Set(given[protocols]),
        clusterDimension: given[ReportOptions.clusterDimension], map: ReportOptions.map(given))
    let line = ProgressLine()
    let contender = try assessment.assess(encoder, name: "encoder") {
        line.update("\($0): record \($1)/\($2)")
    }
    let controls =
        given[withoutControls]
        ? []
        : try assessment.controls(of: encoder.configuration) {
            line.update("control \($0): record \($1)/\($2)")
        }
    line.finish()
    var members = assessment.json.merging(encoder.json) { first, _ in first }
    members.merge(contender.results.members) { first, _ in first }
    members["run"] = .string(given[EncoderOptions.run])
    let test = assessment.records.test
    if given[ReportOptions.coordinates] { members["map"] = contender.map?.json(of: test) }
    var byName: [String: JSONValue] = [:]
    for control in controls {
        var results = control.results.members
        results["encoder_less_control"] =
            PairedComparison(contender.results, less: control.results).json
        byName[control.name] = .object(results)
    }
    members["controls"] = .object(byName)
    let result = JSONValue.object(members)
    Output.write(given[.json] ? result.text() : text(of: contender, controls: controls))
    try writePage(result, contenders: [contender] + controls, records: test, given: given)
    return .success
}

private func text(of contender: Contender, controls: [Contender]) -> String {
    let all = [contender] + controls
    var parts = [Output.table(ResultTable.classification(all))]
    parts += ResultTable.clusters(all).map(Output.table)
    if contender.results.parameters != nil {
        parts.append(Output.table(ResultTable.parameters(contender)))
    }
    if contender.results.linearSubgroups != nil {
        parts.append(Output.table(ResultTable.subgroups(contender)))
    }
    if !controls.isEmpty {
        parts.append(Output.table(ResultTable.differences(of: contender, to: controls)))
    }
    return parts.joined(separator: "\n\n")
}

extension TrainedEncoder {
    /// What the encoder is, by name.
    var json: [String: JSONValue] {
        [
            "method": .string(configuration.method.rawValue), "step": .integer(Int64(step)),
            "state_sha256": stateDigest.map { .string($0.description) } ?? .null,
            "pretraining_data_sha256": dataDigest.map { .string($0.description) } ?? .null,
        ]
    }
}
