import CommandLineInterface
import Evaluation
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
    ] + FinetuneOptions.all,
    example: "purkinje evaluate --run runs/first --data ecg.purkinje --report first.html"
) { given in
    try ReportOptions.checkReport(given)
    try ReportOptions.refuseIdle(given)
    let encoder = try EncoderOptions.encoder(given)
    try refuseIdle(given, for: encoder)
    let assessment = try Assessment(
        of: encoder, data: given[EncoderOptions.data], testData: given[EncoderOptions.testData],
        settings: EncoderOptions.assessment(
            given, protocols: Set(given[protocols]), labelFractions: given[labelFractions] ?? [],
            labelDraws: given[labelDraws]))
    let evaluation: EncoderEvaluation
    do {
        evaluation = try EncoderEvaluation(
            of: encoder, on: assessment, hasControls: !given[withoutControls]
        ) {
            try FinetuneRuns(
                FinetuneOptions.settings(given), of: encoder, run: given[EncoderOptions.run],
                data: given[EncoderOptions.data], in: assessment)
        }
    } catch let ended as FinetuneRuns.Ended {
        return ended.code
    }
    try ReportOptions.write(
        evaluation.result(
            of: given[EncoderOptions.run].text, hasMap: given[ReportOptions.coordinates]), given)
    return .success
}

/// Refuses options of protocols that are not asked for.
private func refuseIdle(_ given: Invocation, for encoder: TrainedEncoder) throws {
    let wanted = Set(given[protocols])
    if !wanted.contains(.finetune) {
        try given.refuse(FinetuneOptions.all, "without the protocol finetune")
    } else if encoder.isClassifier {
        try given.refuse(
            FinetuneOptions.all, "for a run of the method finetune, whose own head is measured")
    }
    if wanted.isDisjoint(with: [.linear, .finetune]) {
        try given.refuse([labelFractions], "without one of the protocols linear and finetune")
    }
    if !wanted.contains(.linear) {
        try given.refuse([labelDraws], "without the protocol linear")
    }
    if given[labelFractions] == nil { try given.refuse([labelDraws], "without --label-fractions") }
    if !wanted.contains(.clusters) {
        try given.refuse([ReportOptions.clusterDimension], "without the protocol clusters")
    }
}
