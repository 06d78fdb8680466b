import CommandLineInterface
import Evaluation
import Runtime
import Workflows

private let window = Option(
    "window", .integer(0...), default: 0, help: "Which of the record's windows of 10 s.")
private let map = Option(
    "map", .oneOf(Explanation.Kind.self), default: .occlusion,
    help: "occlusion: what hiding a part changes; attention: where a transformer looks.")
private let label = Option(
    "class", .choice(LabelledRecords.classNames), otherwise: "the most probable",
    help: "The class whose probability is looked at.")
private let patch = Option(
    "patch", .positive, default: 0.5, help: "Seconds of a lead that are hidden at a time.")
private let numbers = Flag("numbers", help: "Write the numbers into the drawing.")
private let svg = Option(
    "svg", .file, otherwise: "no drawing", help: "Draws the map over the record on ECG paper.")

/// Shows what of a record decides.
let explainCommand = Command(
    "explain",
    summary: "shows which leads and times of a record decide what a probe says of it",
    discussion: """
        Fits the linear probe of 'purkinje evaluate' to the encoder's vectors, then hides the record part by part: each time \
        one part of one lead becomes a straight line between its neighbouring samples. Where the class's probability falls, \
        the part spoke for the class. Works with every method. --map attention needs a transformer and no labels: it draws how \
        much each patch weighs in the mean over tokens as attention hands it on from block to block.
        """,
    parameters: [
        EncoderOptions.run, EncoderOptions.step, EncoderOptions.data, EncoderOptions.record, window,
        map, label,
        patch, numbers, svg, EncoderOptions.readout, EncoderOptions.centreCrop,
        EncoderOptions.minimumLikelihood, EncoderOptions.dropUnknown, EncoderOptions.threads,
        Flag.json,
    ],
    example: "purkinje explain --run runs/first --data ecg.purkinje --record 17 --svg why.svg"
) { given in
    if given[map] == .attention {
        try given.refuse(
            [label, patch, EncoderOptions.readout, EncoderOptions.centreCrop],
            "with --map attention")
    }
    if given[svg] == nil { try given.refuse([numbers], "without --svg") }
    try checkOutput(
        given[svg], option: svg.name, apartFrom: [.file(given[EncoderOptions.data])])
    let encoder = try EncoderOptions.encoder(given)
    let explanation = try Explanation(
        .init(
            kind: given[map], record: given[EncoderOptions.record], window: given[window],
            className: given[label], patchSeconds: given[patch]),
        by: encoder, in: EncoderOptions.labelled(given, for: encoder),
        EncoderOptions.embedding(given))
    if let path = given[svg] {
        try AtomicFile.write(explanation.svg(showsNumbers: given[numbers]), to: path)
    }
    Output.write(
        explanation.result(run: given[EncoderOptions.run], svg: given[svg]), asJSON: given[.json])
    return .success
}
