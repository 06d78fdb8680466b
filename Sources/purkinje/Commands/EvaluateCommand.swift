import CommandLineInterface
import Evaluation
import EvaluationSchema
import Workflows

private let protocols = Option(
    "protocols", .list(of: .oneOf(EvaluationProtocol.self)),
    default: [.linear, .knn, .clusters],
    help:
        "linear: logistic regression; knn: nearest neighbours; clusters: how far classes lie apart; "
        + "parameters: how well clinical parameters are read out; finetune: the encoder trained on with a "
        + "head, which takes as long as a training.")
private let labelFractions = Option(
    "label-fractions", .list(of: .fraction), otherwise: "all labels alone",
    help: "Parts of the labels that linear and finetune are trained on, such as 0.01,0.1,1.")
private let labelDraws = Option(
    "label-draws", .count, default: 5,
    help: "How often the linear probe gets each part; fine-tuning gets the first.")
private let withoutControls = Flag(
    "no-controls", help: "Leave out what is always set beside an encoder.")

/// Says how good an encoder is.
let evaluateCommand = Command(
    "evaluate",
    summary: "measures how good an encoder is on labelled records, with controls beside it",
    discussion: """
        Folds 1-8 of the data set train, fold 9 chooses penalties and thresholds, fold 10 is tested; --test-data is tested \
        whole. Controls are measured on the same records: the same encoder with random weights from its seed, \
        raw statistics of each lead, clinical parameters where the set has them, alone and beside the encoder's vectors, age \
        and sex, and a hybrid without its clinical tokens. Intervals are of 1000 \
        resamples of the test records; differences to controls are paired. Same inputs, same bytes. --report writes all of it \
        as a page that says in words whether the encoder is better, with ROC curves, confusions and maps of the records.
        The protocol finetune trains the whole encoder with a linear head in run directories of its own, takes the step \
        that is best on fold 9, and does the same from random weights as a control. After a stop the same command \
        continues. For a run of the method finetune, its own head is measured as well.
        """,
    parameters: [
        EncoderOptions.run, EncoderOptions.step, EncoderOptions.data, EncoderOptions.testData,
        protocols, EncoderOptions.readout, EncoderOptions.centreCrop,
        EncoderOptions.minimumLikelihood, EncoderOptions.dropUnknown, withoutControls,
        ReportOptions.report, ReportOptions.clusterDimension, ReportOptions.perplexity,
        ReportOptions.mapRecords, ReportOptions.coordinates, EncoderOptions.seed,
        EncoderOptions.threads, labelFractions, labelDraws, Flag.json,
    ] + FinetuneRuns.options,
    example: "purkinje evaluate --run runs/first --data ecg.purkinje --report first.html"
) { given in
    try ReportOptions.checkReport(given)
    try ReportOptions.refuseIdle(given)
    let encoder = try EncoderOptions.encoder(given)
    try refuseIdle(given, for: encoder)
    let assessment = try EncoderOptions.assessment(
        given, of: encoder, protocols: Set(given[protocols]),
        clusterDimension: given[ReportOptions.clusterDimension], map: ReportOptions.map(given),
        labelFractions: given[labelFractions] ?? [], labelDraws: given[labelDraws])
    let line = ProgressLine()
    var model = try assessment.assess(encoder, name: EvaluationDocument.encoderName) {
        line.update("\($0): record \($1)/\($2)")
    }
    var controls =
        given[withoutControls]
        ? []
        : try assessment.controls(of: encoder, assessed: model) {
            line.update("control \($0): record \($1)/\($2)")
        }
    line.finish()
    if given[protocols].contains(.finetune), !encoder.isClassifier {
        let runs = try FinetuneRuns(given, of: encoder, in: assessment)
        do {
            try runs.measure(&model, isControl: false)
            // The first control is the encoder as its seed draws it.
            if !controls.isEmpty { try runs.measure(&controls[0], isControl: true) }
        } catch let ended as FinetuneRuns.Ended {
            return ended.code
        }
    }
    let evaluation = Evaluation(
        of: given[EncoderOptions.run].text, encoder: encoder, model: model,
        controls: controls, on: assessment, hasMap: given[ReportOptions.coordinates])
    let document = EvaluationDocument.evaluation(evaluation)
    if given[.json] {
        Output.write(document.json)
    } else {
        let tables = ResultTable.evaluation(model, controls: controls)
        Output.write(tables.map(Output.table).joined(separator: "\n\n"))
    }
    try writePage(
        document, models: [model] + controls, records: assessment.records.test, given: given
    )
    return .success
}

/// Refuses options of protocols that are not asked for.
private func refuseIdle(_ given: Invocation, for encoder: TrainedEncoder) throws {
    let wanted = Set(given[protocols])
    if !wanted.contains(.finetune) {
        try given.refuse(FinetuneRuns.options, "without the protocol finetune")
    } else if encoder.isClassifier {
        try given.refuse(
            FinetuneRuns.options, "for a run of the method finetune, whose own head is measured")
    }
    if wanted.isDisjoint(with: [.linear, .finetune]) {
        try given.refuse([labelFractions], "without the protocols linear and finetune")
    }
    if !wanted.contains(.linear) {
        try given.refuse([labelDraws], "without the protocol linear")
    }
    if given[labelFractions] == nil { try given.refuse([labelDraws], "without --label-fractions") }
    if !wanted.contains(.clusters) {
        try given.refuse([ReportOptions.clusterDimension], "without the protocol clusters")
    }
}
