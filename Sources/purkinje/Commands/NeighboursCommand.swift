import CommandLineInterface
import Evaluation
import Runtime
import Workflows

private let count = Option("count", .count, default: 5, help: "How many neighbours.")
private let distance = Option(
    "distance", .oneOf(NearestNeighbours.Distance.self), default: .euclidean,
    help: "Between vectors as they are, or one less the cosine of their angle.")
private let samePatient = Flag(
    "same-patient", help: "Other records of the same patient may be neighbours, too.")
private let svg = Option(
    "svg", .file, otherwise: "no drawing", help: "Draws record and neighbours on ECG paper.")

/// Shows which training records an encoder takes for most alike.
let neighboursCommand = Command(
    "neighbours",
    summary: "shows the training records that an encoder takes for most like a record",
    discussion: """
        Embeds a record of any fold and the labelled records of the training folds, and lists those whose vectors are \
        nearest, with their labels and distances. The record itself never counts; its patient's other records count only \
        with --same-patient. What the neighbours share with the record, and what they do not, shows what the encoder keeps.
        """,
    parameters: [
        EncoderOptions.run, EncoderOptions.step, EncoderOptions.data, EncoderOptions.record, count,
        distance,
        samePatient, svg, EncoderOptions.readout, EncoderOptions.centreCrop,
        EncoderOptions.minimumLikelihood, EncoderOptions.dropUnknown, EncoderOptions.threads,
        Flag.json,
    ],
    example: "purkinje neighbours --run runs/first --data ecg.purkinje --record 17 --svg near.svg"
) { given in
    try checkOutput(
        given[svg], option: svg.name, apartFrom: [.file(given[EncoderOptions.data])])
    let encoder = try EncoderOptions.encoder(given)
    let report = try NeighbourReport(
        .init(
            record: given[EncoderOptions.record], count: given[count], distance: given[distance],
            includesPatient: given[samePatient]),
        by: encoder, in: EncoderOptions.labelled(given, for: encoder),
        EncoderOptions.embedding(given))
    if let path = given[svg] { try AtomicFile.write(report.svg(), to: path) }
    Output.write(
        report.result(run: given[EncoderOptions.run], svg: given[svg]), asJSON: given[.json])
    return .success
}
