import CommandLineInterface
import Evaluation
import EvaluationSchema
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
    let explained = try EncoderOptions.labelled(given, for: encoder)
    let query = try explained.dataset.record(
        named: given[EncoderOptions.record], rule: explained.rule)
    let line = ProgressLine()
    let search = try NeighbourSearch(
        of: query, among: explained.records.training, count: given[count],
        distance: given[distance], includesPatient: given[samePatient]
    ) { records in
        try encoder.embed(
            records, of: explained.dataset, readout: given[EncoderOptions.readout],
            centreCropOnly: given[EncoderOptions.centreCrop],
            threads: given[EncoderOptions.threads]
        ) { line.update("record \($0)/\(records.count)") }
    }
    line.finish()
    if let path = given[svg] {
        try AtomicFile.write(try search.svg(from: explained.dataset), to: path)
    }
    guard given[.json] else {
        Output.write(
            query.summary
                + (query.classes.isEmpty
                    ? "" : ": \(search.agreeing) of \(given[count]) neighbours share a superclass"))
        Output.write(
            Output.table(
                [["distance", "neighbour"]]
                    + search.neighbours.map {
                        [decimals($0.distance), $0.record.summary]
                    }))
        return .success
    }
    var members = search.json.merging(encoder.summary.json.objectValue ?? [:]) { first, _ in first }
    members["run"] = .string(given[EncoderOptions.run].text)
    members["readout"] = .string(given[EncoderOptions.readout].rawValue)
    members["svg"] = given[svg].map { .string($0.text) } ?? .null
    Output.write(.object(members))
    return .success
}
